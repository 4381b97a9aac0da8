"""Features that winners of public competitions use and the dictionary lacks, computed for feature rows that are there.

Each keeps to the time contract as the dictionary does: a user's own events strictly before T, those of all users of
complete UTC days before T. Whether one is worth its place is for `benchmarks.quality.gains` to tell.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.features.daily import daily_answers, daily_tables, item_days
from purchase_pred.features.group import ratio
from purchase_pred.features.sources import HOUR, SHOP
from purchase_pred.schema import (
    ADD_TO_CART,
    EVENT_ID,
    EVENT_TYPE,
    EVENT_TYPES,
    ITEM_ID,
    PREDICTION_TIME,
    PURCHASE,
    SESSION_INDEX,
    TIMESTAMP,
    USER_ID,
    VIEW,
)
from purchase_pred.windows import count, n_unique, total, window_features

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Candidate = Callable[[pl.DataFrame, pl.LazyFrame], pl.DataFrame]

_MOMENT: Final = (USER_ID, SESSION_INDEX, PREDICTION_TIME)
_NUMBER: Final = "__number"
_OTHER: Final = "__other"
_DAY: Final = "__day"
_TOGETHER: Final = "__together"
_PRIOR_VIEWS: Final = 100
_PRIOR_CARTS: Final = 20
_MOST_ITEMS: Final = 30
"""Sessions with more items are those of crawlers, and tell nothing of what belongs together."""
_HOURS: Final = 24
_NOISE_COLUMNS: Final = 6
_LONG_WINDOWS: Final = ("30d", "90d")


def covisitation(rows: pl.DataFrame, events: pl.LazyFrame, /) -> pl.DataFrame:
    """Return mean and maximum, over the session's other items, of the cosine of sessions that viewed both before D."""
    looks = _session_looks(events)
    pairs = _item_pairs(looks)
    asked = _items_side_by_side(rows, events)
    of_pair = window_features(
        asked, pairs, by=(ITEM_ID, _OTHER), aggregates=[total(_TOGETHER, "pairs")], assume_sorted=False
    )
    sessions = looks.group_by(ITEM_ID, TIMESTAMP).agg(pl.len().alias("sessions")).with_columns(_no_ties())
    of_pair = window_features(of_pair, sessions, by=ITEM_ID, aggregates=[total("__one", "sessions")])
    other = sessions.rename({ITEM_ID: _OTHER})
    of_pair = window_features(of_pair, other, by=_OTHER, aggregates=[total("__two", "sessions")])
    cosine = pl.col(_TOGETHER) / (pl.col("__one") * pl.col("__two")).sqrt()
    found = (
        of_pair.with_columns(pl.when(pl.col("__one") * pl.col("__two") > 0).then(cosine).alias("cosine"))
        .group_by(_NUMBER)
        .agg(
            pl.col("cosine").mean().alias("session_covisitation_mean"),
            pl.col("cosine").max().alias("session_covisitation_max"),
            pl.col(_TOGETHER).sum().alias("session_covisitation_count"),
        )
    )
    indexed = rows.lazy().select(pl.int_range(pl.len(), dtype=pl.UInt32).alias(_NUMBER))
    return indexed.join(found, on=_NUMBER, how="left", maintain_order="left").drop(_NUMBER).collect()


def conditional_rates(rows: pl.DataFrame, events: pl.LazyFrame, /) -> pl.DataFrame:
    """Return P(cart | view) and P(order | carted) of the item in 30 complete days, drawn to those of the shop."""
    kinds = (VIEW, ADD_TO_CART, PURCHASE)
    days, anchors = item_days(events), rows.lazy().with_columns(pl.lit(0, dtype=pl.UInt8).alias(SHOP))
    catalog = pl.LazyFrame(schema={ITEM_ID: rows.schema[ITEM_ID]})
    item, shop = (
        daily_answers(
            anchors,
            daily_tables(
                days, catalog, by=by, aggregates=[total(f"{by}_{kind}", kind, windows=["30d"]) for kind in kinds]
            ),
            by=by,
            lag=timedelta(0),
        )
        for by in (ITEM_ID, SHOP)
    )
    return (
        pl.concat([item, shop], how="horizontal")
        .select(
            _drawn(VIEW, ADD_TO_CART, _PRIOR_VIEWS).alias("item_cart_rate_smoothed_30d"),
            _drawn(ADD_TO_CART, PURCHASE, _PRIOR_CARTS).alias("item_order_rate_smoothed_30d"),
        )
        .collect()
    )


def price_ranks(rows: pl.DataFrame, _: pl.LazyFrame, /) -> pl.DataFrame:
    """Return how the item's price and discount stand among those of the session's items."""
    price, discount = pl.col("item_current_price"), pl.col("item_discount_pct")
    return rows.select(
        price.rank("min").over(_MOMENT).alias("session_item_price_rank"),
        discount.rank("min", descending=True).over(_MOMENT).alias("session_item_discount_rank"),
        ratio(price, price.mean().over(_MOMENT)).alias("session_item_price_to_mean"),
        (discount - discount.max().over(_MOMENT)).alias("session_item_discount_lead"),
    )


def activity_mix(rows: pl.DataFrame, events: pl.LazyFrame, /) -> pl.DataFrame:
    """Return the share of each type among the user's events and the days with one, over 30 and 90 days."""
    aggregates = [
        *(count(f"_{kind}", where=pl.col(EVENT_TYPE) == kind, windows=_LONG_WINDOWS) for kind in EVENT_TYPES),
        count("_all", windows=_LONG_WINDOWS),
        n_unique("days_active", _DAY, windows=_LONG_WINDOWS),
    ]
    dated = events.with_columns(pl.col(TIMESTAMP).dt.truncate("1d").alias(_DAY))
    answers = _of_moments(rows, dated, aggregates, by=(USER_ID,))
    return answers.select(
        *(
            ratio(f"_{kind}_{window}", f"_all_{window}").alias(f"{kind}_share_{window}")
            for kind in EVENT_TYPES
            for window in _LONG_WINDOWS
        ),
        *(f"days_active_{window}" for window in _LONG_WINDOWS),
    ).collect()


def hour_profile(rows: pl.DataFrame, events: pl.LazyFrame, /) -> pl.DataFrame:
    """Return the share of the user's events at T's hour of day, and T's distance from the user's usual hour."""
    hours = events.with_columns(pl.col(TIMESTAMP).dt.hour().alias(HOUR), _angle(TIMESTAMP).alias("angle"))
    hours = hours.with_columns(pl.col("angle").sin().alias("sine"), pl.col("angle").cos().alias("cosine"))
    asked = rows.with_columns(pl.col(PREDICTION_TIME).dt.hour().alias(HOUR))
    same = _of_moments(asked, hours, [count("_same")], by=(USER_ID, HOUR))
    whole = [count("_all"), total("_sine", "sine"), total("_cosine", "cosine")]
    usual = pl.arctan2(pl.col("_sine"), pl.col("_cosine"))
    apart = (_angle(PREDICTION_TIME) - usual).cos().clip(-1.0, 1.0).arccos() * (_HOURS / (2 * np.pi))
    return (
        pl.concat(
            [rows.lazy().select(PREDICTION_TIME), same, _of_moments(asked, hours, whole, by=(USER_ID,))],
            how="horizontal",
        )
        .select(
            ratio("_same", "_all").alias("hour_share"),
            pl.when(pl.col("_all") > 0).then(apart).alias("hours_from_usual_hour"),
        )
        .collect()
    )


def noise(rows: pl.DataFrame, _: pl.LazyFrame, /) -> pl.DataFrame:
    """Return columns that say nothing: what they seem to gain is luck."""
    draws = np.random.default_rng(rows.height).standard_normal((rows.height, _NOISE_COLUMNS))
    return pl.DataFrame(draws, schema=[f"noise_{number}" for number in range(_NOISE_COLUMNS)])


NOISE: Final = "noise, to compare with"
OF_USER: Final[Mapping[str, Candidate]] = {
    "share of event types, days active": activity_mix,
    "hour profile of the user": hour_profile,
    NOISE: noise,
}
"""What rows have that name no item."""
CANDIDATES: Final[Mapping[str, Candidate]] = {
    "co-visitation of the item and the session's items": covisitation,
    "P(cart given view), P(order given cart) of the item": conditional_rates,
    "price and discount rank within the session": price_ranks,
    **OF_USER,
}


def _session_looks(events: pl.LazyFrame) -> pl.LazyFrame:
    """Return the items that each session viewed, and the day on which it first did; crawlers' sessions are left out."""
    session = (USER_ID, SESSION_INDEX)
    return (
        events.filter(pl.col(EVENT_TYPE) == VIEW)
        .group_by(*session, ITEM_ID)
        .agg(pl.col(TIMESTAMP).min().dt.truncate("1d"))
        .filter(pl.len().over(session) <= _MOST_ITEMS)
    )


def _item_pairs(looks: pl.LazyFrame) -> pl.LazyFrame:
    """Return how many sessions completed each ordered pair of distinct items on each day."""
    session = [USER_ID, SESSION_INDEX]
    both = looks.join(looks.rename({ITEM_ID: _OTHER, TIMESTAMP: _DAY}), on=session)
    return (
        both.filter(pl.col(ITEM_ID) != pl.col(_OTHER))
        .group_by(ITEM_ID, _OTHER, pl.max_horizontal(TIMESTAMP, _DAY).alias(TIMESTAMP))
        .agg(pl.len().alias("pairs"))
        .with_columns(_no_ties())
    )


def _items_side_by_side(rows: pl.DataFrame, events: pl.LazyFrame) -> pl.LazyFrame:
    """Pair each row with the other items that its session viewed before T; its moment becomes the midnight before T."""
    session = [USER_ID, SESSION_INDEX]
    seen = events.filter(pl.col(EVENT_TYPE) == VIEW).group_by(*session, ITEM_ID).agg(pl.col(TIMESTAMP).min())
    asked = rows.lazy().select(pl.int_range(pl.len(), dtype=pl.UInt32).alias(_NUMBER), *_MOMENT, ITEM_ID)
    return (
        asked.join(seen.rename({ITEM_ID: _OTHER}), on=session)
        .filter((pl.col(ITEM_ID) != pl.col(_OTHER)) & (pl.col(TIMESTAMP) < pl.col(PREDICTION_TIME)))
        .select(_NUMBER, ITEM_ID, _OTHER, pl.col(PREDICTION_TIME).dt.truncate("1d"))
    )


def _of_moments(rows: pl.DataFrame, events: pl.LazyFrame, aggregates: list, *, by: tuple[str, ...]) -> pl.LazyFrame:
    """Return the aggregates for each row; rows of one moment share the answer."""
    key = [*by, PREDICTION_TIME]
    asked = rows.lazy().select(key)
    answers = window_features(asked.unique(), events, by=by, aggregates=aggregates)
    return asked.join(answers, on=key, how="left", maintain_order="left").drop(key)


def _drawn(given: str, then: str, prior: int) -> pl.Expr:
    """Return the item's rate of one kind of event after another, drawn to the shop's by so many events."""
    shop = ratio(f"{SHOP}_{then}_30d", f"{SHOP}_{given}_30d")
    return (pl.col(f"{ITEM_ID}_{then}_30d") + prior * shop) / (pl.col(f"{ITEM_ID}_{given}_30d") + prior)


def _angle(time: str) -> pl.Expr:
    at = pl.col(time).dt
    return (at.hour().cast(pl.Float64) + at.minute().cast(pl.Float64) / 60) * (2 * np.pi / _HOURS)


def _no_ties() -> pl.Expr:
    return pl.lit(0, dtype=pl.UInt64).alias(EVENT_ID)
