"""The faults: each takes the events of a shop and the moment it begins, and returns the events as they arrive then."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

_BOTS: Final = 3
_SHIFT: Final = timedelta(hours=8)


def silent_type(events: pl.DataFrame, start: datetime, /, *, kind: str) -> pl.DataFrame:
    """Leave out all events of a type."""
    return events.filter((pl.col("timestamp") < start) | (pl.col("event_type") != kind))


def other_currency(events: pl.DataFrame, start: datetime, /, *, factor: float, one_in: int = 1) -> pl.DataFrame:
    """Multiply the prices that one in so many users is shown."""
    hit = (pl.col("timestamp") >= start) & (pl.col("user_id").hash(seed=1) % one_in == 0)
    return events.with_columns(pl.when(hit).then(pl.col("price") * factor).otherwise("price").alias("price"))


def shifted_clock(events: pl.DataFrame, start: datetime, /) -> pl.DataFrame:
    """Put the clock of the tracker eight hours ahead."""
    late = pl.when(pl.col("timestamp") >= start).then(pl.col("timestamp") + _SHIFT).otherwise("timestamp")
    return events.with_columns(late.alias("timestamp"))


def bots(events: pl.DataFrame, start: datetime, /, *, clicks: int) -> pl.DataFrame:
    """Add three visitors who look at so many items a day, one every two minutes from three in the morning on."""
    days = pl.datetime_range(start, events["timestamp"].max(), "1d", eager=True)
    views = events.filter(event_type="view").sample(_BOTS * clicks * len(days), seed=3, with_replacement=True)
    number = pl.int_range(pl.len())
    click = number % clicks
    made = views.with_columns(
        day=number // (_BOTS * clicks),
        user_id=(events["user_id"].max() + 1 + (number // clicks) % _BOTS).cast(events.schema["user_id"]),
    ).with_columns(
        (pl.lit(days.implode()).list.get(pl.col("day")) + pl.duration(hours=3) + pl.duration(minutes=2) * click).alias(
            "timestamp"
        )
    )
    return pl.concat([events, made.select(events.columns)])


def promotion(events: pl.DataFrame, start: datetime, /) -> pl.DataFrame:
    """Double the purchases: of as many looks at an item one more becomes a purchase, an hour later."""
    later = pl.col("timestamp") >= start
    more = events.filter(later, event_type="purchase").height
    views = events.filter(later, event_type="view").sample(more, seed=4)
    bought = views.with_columns(
        pl.col("timestamp") + pl.duration(hours=1),
        pl.lit("purchase").cast(events.schema["event_type"]).alias("event_type"),
    )
    return pl.concat([events, bought])


def drift_of_taste(events: pl.DataFrame, start: datetime, /) -> pl.DataFrame:
    """Let everybody want other items from one day to the next: each item changes its part with another."""
    items = events.select("item_id").unique().sort("item_id")
    others = items.with_columns(other=pl.col("item_id").shuffle(seed=5))
    prices = events.group_by("item_id").agg(pl.col("price").median().alias("its_price"))
    changed = events.join(others, on="item_id", how="left", maintain_order="left").join(
        prices.rename({"item_id": "other"}), on="other", how="left", maintain_order="left"
    )
    later = pl.col("timestamp") >= start
    return changed.with_columns(
        pl.when(later).then("other").otherwise("item_id").alias("item_id"),
        pl.when(later & pl.col("price").is_not_null()).then("its_price").otherwise("price").alias("price"),
    ).drop("other", "its_price")


def purchases_at_random(events: pl.DataFrame, start: datetime, /) -> pl.DataFrame:
    """Let purchases no longer follow what was looked at: who buys, and what, changes places among the purchases."""
    bought = (pl.col("event_type") == "purchase") & (pl.col("timestamp") >= start)
    kept, moved = events.filter(~bought), events.filter(bought)
    looked = events.filter(pl.col("timestamp") >= start, event_type="view").sample(moved.height, seed=6)
    return pl.concat(
        [
            kept,
            moved.with_columns(looked["user_id"], looked["item_id"], looked["price"], looked["timestamp"])
            .with_columns(pl.col("timestamp") + pl.duration(hours=2))
            .select(kept.columns),
        ]
    )


FAULTS: Final[Mapping[str, Callable[[pl.DataFrame, datetime], pl.DataFrame]]] = {
    "no event `add_to_cart` arrives": lambda events, start: silent_type(events, start, kind="add_to_cart"),
    "no event `purchase` arrives": lambda events, start: silent_type(events, start, kind="purchase"),
    "prices in another currency (x 4)": lambda events, start: other_currency(events, start, factor=4.0),
    "the same for one in five users": lambda events, start: other_currency(events, start, factor=4.0, one_in=5),
    "a clock eight hours ahead": shifted_clock,
    "three bots of 100 clicks a day": lambda events, start: bots(events, start, clicks=100),
    "three bots of 500 clicks a day": lambda events, start: bots(events, start, clicks=500),
    "a promotion that doubles the purchases": promotion,
    "taste: every item changes its part with another": drift_of_taste,
    "purchases no longer follow the clicks": purchases_at_random,
}
"""What is planted, by what is told of it."""
