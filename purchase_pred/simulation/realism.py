"""How realistic the synthetic log is: figures, and the bands in which those of real shops lie."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.anchors import session_close_anchors
from purchase_pred.labels import label_purchases
from purchase_pred.schema import (
    ADD_TO_CART,
    BASE_PRICE,
    EVENT_TYPE,
    ITEM_ID,
    LABEL,
    PRICE,
    PURCHASE,
    REGISTRATION_DATE,
    REMOVE_FROM_CART,
    SCROLL,
    SESSION_INDEX,
    TIMESTAMP,
    USER_ID,
    VIEW,
)
from purchase_pred.sessions import sessionize
from purchase_pred.shards import UserShards, shard_starts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

HORIZON: Final = timedelta(days=7)
BANDS: Final[Mapping[str, tuple[float, float]]] = {
    "view_share": (0.70, 0.85),
    "scroll_share": (0.08, 0.20),
    "add_to_cart_share": (0.03, 0.10),
    "remove_from_cart_share": (0.001, 0.03),
    "purchase_share": (0.003, 0.03),
    "conversion_per_session": (0.02, 0.05),
    "cart_abandonment": (0.60, 0.80),
    "purchases_after_view": (0.90, 1.00),
    "purchases_after_cart": (0.25, 0.45),
    "label_prevalence": (0.005, 0.05),
    "events_of_top_users": (0.20, 0.60),
    "views_of_top_items": (0.25, 0.75),
    "events_at_a_discount": (0.05, 0.40),
    "events_before_registration": (0.0, 0.0),
}
"""Measure to the band in which real shops lie, both ends included."""
_RATIOS: Final = (
    ("conversion_per_session", "buying_sessions", "sessions"),
    ("cart_abandonment", "abandoning_sessions", "carting_sessions"),
    ("purchases_after_view", "bought_after_view", "bought_items"),
    ("purchases_after_cart", "bought_after_cart", "bought_items"),
    ("label_prevalence", "positive_items", "labelled_items"),
)
_EVENTS_PER_SHARD: Final = 2_000_000


def realism_report(
    events: pl.DataFrame | pl.LazyFrame, catalog: pl.DataFrame | pl.LazyFrame, users: pl.DataFrame | pl.LazyFrame, /
) -> pl.DataFrame:
    """Measure a log and say which figures lie within the bands of real shops.

    Parameters
    ----------
    events, catalog, users
        Canonical frames.

    Returns
    -------
    pl.DataFrame
        One row per measure, in the order of `BANDS`: `measure` String, `observed` Float64 (null where nothing can be
        measured), `low` and `high` Float64, `in_band` Boolean, `meaning` String. Sessions end after 30 minutes of
        silence; labels are those of the default target. "Top" are the most active tenth of users and the most viewed
        tenth of items.

    Examples
    --------
    >>> from purchase_pred.settings.simulator import DatasetSettings
    >>> from purchase_pred.simulation import simulate_catalog, simulate_clickstream, simulate_users
    >>> small = DatasetSettings(num_users=300)
    >>> users, catalog = simulate_users(small), simulate_catalog(small)
    >>> events = next(simulate_clickstream(small, users, catalog))
    >>> realism_report(events, catalog, users).row(0)[0]
    'view_share'
    """
    log = events.lazy()
    parts = pl.collect_all(
        [_event_shares(log), _concentration(log), _against_the_frames(log, catalog.lazy(), users.lazy())]
    )
    parts.append(_of_sessions(log))
    observed = {name: value for part in parts for name, value in part.row(0, named=True).items()}
    return pl.DataFrame(
        {
            "measure": list(BANDS),
            "observed": [observed[name] for name in BANDS],
            "low": [low for low, _ in BANDS.values()],
            "high": [high for _, high in BANDS.values()],
            "meaning": [_MEANINGS[name] for name in BANDS],
        },
        schema_overrides={"observed": pl.Float64},
    ).select(
        "measure",
        pl.col("observed").fill_nan(None),
        "low",
        "high",
        pl.col("observed").fill_nan(None).is_between("low", "high").fill_null(value=False).alias("in_band"),
        "meaning",
    )


_MEANINGS: Final[Mapping[str, str]] = {
    "view_share": "views / events",
    "scroll_share": "scrolls / events",
    "add_to_cart_share": "add_to_cart / events",
    "remove_from_cart_share": "remove_from_cart / events",
    "purchase_share": "purchases / events",
    "conversion_per_session": "sessions with a purchase / sessions",
    "cart_abandonment": "sessions with an add_to_cart and no purchase / sessions with an add_to_cart",
    "purchases_after_view": "items bought that were viewed earlier in the session / items bought",
    "purchases_after_cart": "items bought that were put into the cart earlier in the session / items bought",
    "label_prevalence": "items viewed in a session that are bought within 7 days of its close / items viewed",
    "events_of_top_users": "events of the most active tenth of users / events",
    "views_of_top_items": "views of the most viewed tenth of items / views",
    "events_at_a_discount": "events that show less than the base price / events that show a price",
    "events_before_registration": "events before the user's registration date / events",
}


def _is(event_type: str) -> pl.Expr:
    return pl.col(EVENT_TYPE) == event_type


def _event_shares(events: pl.LazyFrame) -> pl.LazyFrame:
    types = (VIEW, SCROLL, ADD_TO_CART, REMOVE_FROM_CART, PURCHASE)
    return events.select(_is(name).mean().alias(f"{name}_share") for name in types)


def _of_sessions(events: pl.LazyFrame) -> pl.DataFrame:
    """Return what is measured within sessions; one shard of users after the other, whose counts add up."""
    shards = UserShards.of(shard_starts(events, size=_EVENTS_PER_SHARD).collect())
    end = events.select(pl.col(TIMESTAMP).max()).collect().item()
    counts = []
    for number in range(len(shards)):
        sessionized = sessionize(events.filter(shards.condition(number))).collect().lazy()
        plans = [_sessions(sessionized), _purchases(sessionized), _labelled(sessionized, end=end)]
        counts.append(pl.concat(pl.collect_all(plans), how="horizontal"))
    nothing = pl.DataFrame({name: [0] for _, *names in _RATIOS for name in names})
    everything = pl.concat(counts).sum() if counts else nothing
    return everything.select((pl.col(part) / pl.col(whole)).alias(measure) for measure, part, whole in _RATIOS)


def _sessions(sessionized: pl.LazyFrame) -> pl.LazyFrame:
    sessions = sessionized.group_by(USER_ID, SESSION_INDEX).agg(
        _is(PURCHASE).any().alias("bought"), _is(ADD_TO_CART).any().alias("carted")
    )
    return sessions.select(
        pl.len().cast(pl.Int64).alias("sessions"),
        _number_where(pl.col("bought")).alias("buying_sessions"),
        _number_where(pl.col("carted")).alias("carting_sessions"),
        _number_where(pl.col("carted") & ~pl.col("bought")).alias("abandoning_sessions"),
    )


def _purchases(sessionized: pl.LazyFrame) -> pl.LazyFrame:
    """Count what precedes the last purchase of each item in each session."""
    when = {name: pl.col(TIMESTAMP).filter(_is(name)) for name in (VIEW, ADD_TO_CART, PURCHASE)}
    items = sessionized.group_by(USER_ID, SESSION_INDEX, ITEM_ID).agg(
        when[VIEW].min().alias(VIEW), when[ADD_TO_CART].min().alias(ADD_TO_CART), when[PURCHASE].max().alias(PURCHASE)
    )
    return items.filter(pl.col(PURCHASE).is_not_null()).select(
        pl.len().cast(pl.Int64).alias("bought_items"),
        _number_where(pl.col(VIEW) <= pl.col(PURCHASE)).alias("bought_after_view"),
        _number_where(pl.col(ADD_TO_CART) <= pl.col(PURCHASE)).alias("bought_after_cart"),
    )


def _labelled(sessionized: pl.LazyFrame, *, end: datetime) -> pl.LazyFrame:
    """Count the labels that are complete by the end of the log."""
    labelled = label_purchases(session_close_anchors(sessionized), sessionized, horizon=HORIZON, end=end)
    return labelled.drop_nulls(LABEL).select(
        pl.len().cast(pl.Int64).alias("labelled_items"), pl.col(LABEL).cast(pl.Int64).sum().alias("positive_items")
    )


def _number_where(condition: pl.Expr) -> pl.Expr:
    return condition.sum().cast(pl.Int64)


def _concentration(events: pl.LazyFrame) -> pl.LazyFrame:
    users = events.group_by(USER_ID).agg(pl.len().alias("size"))
    items = events.filter(_is(VIEW)).group_by(ITEM_ID).agg(pl.len().alias("size"))
    shares = [
        sizes.select(
            (pl.col("size").sort(descending=True).head((pl.len() + 9) // 10).sum() / pl.col("size").sum()).alias(name)
        )
        for sizes, name in ((users, "events_of_top_users"), (items, "views_of_top_items"))
    ]
    return pl.concat(shares, how="horizontal")


def _against_the_frames(events: pl.LazyFrame, catalog: pl.LazyFrame, users: pl.LazyFrame) -> pl.LazyFrame:
    known = events.join(catalog.select(ITEM_ID, BASE_PRICE), on=ITEM_ID, how="left").join(
        users.select(USER_ID, REGISTRATION_DATE), on=USER_ID, how="left"
    )
    return known.select(
        (pl.col(PRICE) < pl.col(BASE_PRICE)).mean().alias("events_at_a_discount"),
        (pl.col(TIMESTAMP).dt.date() < pl.col(REGISTRATION_DATE)).mean().alias("events_before_registration"),
    )
