"""What features are made of, as fingerprints: where that is as it was, so are the features.

A feature at T looks at its user's events before T, at what catalog and users' table say of them, and at the sums of all
users on complete days before T. The fingerprint of an event holds all that may be read of it; that of a user holds all
of theirs. They are equal only within one version of Polars, whose hashes they are.
"""

from __future__ import annotations

from functools import reduce
from hashlib import blake2b
from operator import xor
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.arithmetic import run_starts
from purchase_pred.features.dictionary import feature_groups
from purchase_pred.features.sources import checked_catalog, checked_users
from purchase_pred.schema import CATEGORY, ITEM_ID, PREDICTION_TIME, TIMESTAMP, USER_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purchase_pred.settings.features import FeatureSettings

FINGERPRINT: Final = "fingerprint"
EVENTS: Final = "events"
SINCE: Final = "since"
_OF_ITEM: Final = "__item"
_OF_USER: Final = "__user"
_PLACE: Final = "__place"
_BEFORE: Final = ":before"
_DAY: Final = "__day"
_CHANGED: Final = "__changed"


def event_fingerprints(
    sessionized: pl.LazyFrame, /, *, catalog: pl.LazyFrame | None, users: pl.LazyFrame | None
) -> pl.LazyFrame:
    """Return ``user_id``, ``timestamp`` and ``fingerprint`` (UInt64) of each event, in their order.

    The fingerprint holds all columns of the event, of its item in the catalog and of its user, in whatever order the
    columns stand; of Enums the texts, so that another list of categories changes nothing.
    """
    items, people = checked_catalog(catalog, sessionized), checked_users(users, sessionized)
    prints = [pl.col(FINGERPRINT), pl.col(_OF_ITEM).fill_null(0), pl.col(_OF_USER).fill_null(0)]
    return (
        sessionized.select(USER_ID, ITEM_ID, TIMESTAMP, _of_row(sessionized).alias(FINGERPRINT))
        .join(items.select(ITEM_ID, _of_row(items).alias(_OF_ITEM)), on=ITEM_ID, how="left", maintain_order="left")
        .join(people.select(USER_ID, _of_row(people).alias(_OF_USER)), on=USER_ID, how="left", maintain_order="left")
        .select(USER_ID, TIMESTAMP, _mixed(prints).alias(FINGERPRINT))
    )


def histories(fingerprints: pl.LazyFrame, /) -> pl.LazyFrame:
    """Return of each user how many ``events`` there are (UInt32) and their ``fingerprint``; no two events are equal.

    Examples
    --------
    >>> prints = pl.LazyFrame({"user_id": [7, 7], "fingerprint": [5, 6]}, schema_overrides={"fingerprint": pl.UInt64})
    >>> histories(prints).collect().rows()
    [(7, 2, 3)]
    """
    return fingerprints.group_by(USER_ID).agg(pl.len().cast(pl.UInt32).alias(EVENTS), pl.col(FINGERPRINT).bitwise_xor())


def unchanged(fingerprints: pl.LazyFrame, before: pl.LazyFrame, /) -> pl.LazyFrame:
    """Return the users whose events of before are all there, with the time of the first that was added behind them.

    Parameters
    ----------
    fingerprints
        As `event_fingerprints` returns them, of events sorted by (user_id, timestamp, event_id).
    before
        The `histories` of an earlier log.

    Returns
    -------
    LazyFrame
        ``user_id`` and ``since``: of that user everything before that moment, strictly, is as it was. Null: nothing was
        added. A user of whom an event lies between the known ones, differs or is gone is left out.

    Examples
    --------
    >>> from datetime import datetime
    >>> prints = pl.LazyFrame(
    ...     {"user_id": [7, 7], "timestamp": [datetime(2024, 8, day) for day in (1, 2)], "fingerprint": [5, 6]},
    ...     schema_overrides={"fingerprint": pl.UInt64},
    ... )
    >>> unchanged(prints, histories(prints.head(1))).collect().rows()
    [(7, datetime.datetime(2024, 8, 2, 0, 0))]
    """
    number = pl.int_range(pl.len())
    first = pl.when(run_starts(USER_ID)).then(number).forward_fill()
    known = pl.col(_PLACE) < pl.col(EVENTS)
    return (
        fingerprints.with_columns((number - first).alias(_PLACE))
        .join(before, on=USER_ID, how="inner", suffix=_BEFORE, maintain_order="left")
        .group_by(USER_ID)
        .agg(
            pl.when(known).then(FINGERPRINT).otherwise(0).bitwise_xor(),
            pl.col(f"{FINGERPRINT}{_BEFORE}").first(),
            (pl.len() >= pl.col(EVENTS).first()).alias(EVENTS),
            pl.when(~known).then(TIMESTAMP).min().alias(SINCE),
        )
        .filter(EVENTS, pl.col(FINGERPRINT) == pl.col(f"{FINGERPRINT}{_BEFORE}"))
        .select(USER_ID, SINCE)
    )


def day_fingerprints(days: pl.LazyFrame, /, *, catalog: pl.LazyFrame | None) -> pl.LazyFrame:
    """Return of each day, ``timestamp``, the ``fingerprint`` of its sums per item and of the items' categories."""
    items = checked_catalog(catalog, days).select(ITEM_ID, CATEGORY)
    of_category = days.join(items, on=ITEM_ID, how="left")
    return (
        of_category.select(TIMESTAMP, _of_row(of_category)).group_by(TIMESTAMP).agg(pl.col(FINGERPRINT).bitwise_xor())
    )


def days_differing(now: pl.LazyFrame, before: pl.LazyFrame, /) -> pl.LazyFrame:
    """Return ``timestamp``, ascending, of the days that differ between two logs, or that one of them lacks."""
    both = now.join(before, on=TIMESTAMP, how="full", coalesce=True, suffix=_BEFORE)
    differs = pl.col(FINGERPRINT).ne_missing(pl.col(f"{FINGERPRINT}{_BEFORE}"))
    return both.filter(differs).select(TIMESTAMP).drop_nulls().sort(TIMESTAMP)


def sees_changed_day(rows: pl.LazyFrame, changed: pl.LazyFrame, /, *, settings: FeatureSettings) -> pl.LazyFrame:
    """Return the rows that look at a day that has changed, in some order.

    Parameters
    ----------
    rows
        ``prediction_time``.
    changed
        The days that have changed, as `days_differing` returns them.
    settings
        Their windows and `availability_lag`: D, the midnight before T - lag, sees the days of [D - w, D), w the longest
        window of the statistics over all users.
    """
    latest = changed.select(pl.col(TIMESTAMP).alias(_CHANGED))
    seen = _midnights(rows, settings).join_asof(
        latest, left_on=_DAY, right_on=_CHANGED, strategy="backward", allow_exact_matches=False, coalesce=False
    )
    affected = seen.filter(_is_in_sight(pl.col(_CHANGED), settings)).select(_DAY)
    return rows.with_columns(_midnight(settings)).join(affected, on=_DAY, how="semi").drop(_DAY)


def _midnight(settings: FeatureSettings) -> pl.Expr:
    lag = settings.availability_lag
    return (pl.col(PREDICTION_TIME) - lag).dt.truncate("1d").alias(_DAY)


def _midnights(rows: pl.LazyFrame, settings: FeatureSettings) -> pl.LazyFrame:
    return rows.select(_midnight(settings)).unique().sort(_DAY)


def _is_in_sight(day: pl.Expr, settings: FeatureSettings) -> pl.Expr:
    """Tell whether a day before D lies in the longest window of the statistics over all users; none is not."""
    reach = _longest_daily_window(settings)
    if reach is None:
        return day.is_not_null() & pl.col(_DAY).is_not_null()
    return day >= pl.col(_DAY) - pl.duration(microseconds=reach)


def _longest_daily_window(settings: FeatureSettings) -> int | None:
    """Return the longest window of statistics over all users, in microseconds; None: one has no bound."""
    daily = (group for group in feature_groups(settings) if group.source == "daily")
    lengths = [length for group in daily for one in group.aggregates for _, length in one.columns]
    return None if None in lengths else max(length for length in lengths if length is not None)


def _of_row(frame: pl.LazyFrame) -> pl.Expr:
    """Return the fingerprint of a row, UInt64, whatever the order of its columns."""
    prints = []
    for name, dtype in frame.collect_schema().items():
        kind = dtype.base_type()
        value = pl.col(name).cast(pl.String) if kind in (pl.Enum, pl.Categorical) else pl.col(name)
        seed = int.from_bytes(blake2b(f"{name} {kind}".encode(), digest_size=8).digest())
        prints.append(value.hash(seed))
    return _mixed(prints).alias(FINGERPRINT)


def _mixed(prints: Sequence[pl.Expr]) -> pl.Expr:
    """Return one fingerprint for several."""
    # Hashed again: rows are put together by exclusive or, in which what two rows share would cancel.
    return reduce(xor, prints).hash()
