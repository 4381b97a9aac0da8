"""Seeded synthetic click logs for the benchmarks, drawn with numpy alone and independent of the simulation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl

from purchase_pred.schema import EVENT_TYPE_DTYPE, EVENT_TYPES, TIME_DTYPE

EVENTS_PER_USER: Final = 52
EVENTS_PER_SESSION: Final = 11
DAYS: Final = 90
START: Final = datetime(2024, 8, 1, tzinfo=UTC)
GAP: Final = 30 * 60 * 1_000_000
"""Silence, in microseconds, that ends a session; a prediction is made when it has passed."""

_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_EVENT_TYPE_SHARES: Final = (0.76, 0.14, 0.06, 0.01, 0.03)
_CATEGORIES: Final = ("electronics", "fashion", "home", "beauty", "sports")
_ITEMS: Final = 1_000
_FAVOURITES: Final = 8
_ORIGIN: Final = int(START.timestamp()) * _SECOND


def click_log(events: int, /, *, seed: int = 0) -> pl.DataFrame:
    """Return `events` canonical events in random order: heavy-tailed users, bursts of clicks, times in whole seconds.

    Users number about ``events / 52`` and sessions about ``events / 11`` over 90 days; whole seconds make ties, within
    sessions and with prediction times, as common as in real logs.
    """
    rng = np.random.default_rng(seed)
    users = max(1, events // EVENTS_PER_USER)
    lengths = rng.geometric(1 / EVENTS_PER_SESSION, size=events // EVENTS_PER_SESSION * 2 + 10)
    ends = np.cumsum(lengths)
    sessions = int(np.searchsorted(ends, events)) + 1
    session = np.repeat(np.arange(sessions), lengths[:sessions])[:events]
    activity = np.cumsum(rng.lognormal(sigma=1.2, size=users))
    user = np.searchsorted(activity, rng.uniform(0, activity[-1], size=sessions))[session]
    steps = np.cumsum(rng.exponential(45, size=events))
    first = np.searchsorted(session, np.arange(sessions))
    seconds = (rng.uniform(0, DAYS * 86_400, size=sessions) - steps[first])[session] + steps
    item = _items(rng, user, users)
    event_type = rng.choice(len(EVENT_TYPES), size=events, p=_EVENT_TYPE_SHARES).astype(np.uint8)
    drawn = pl.DataFrame(
        {
            "user_id": user.astype(np.int64),
            "timestamp": _ORIGIN + seconds.astype(np.int64) * _SECOND,
            "event_type": event_type,
            "item_id": item.astype(np.int64),
            "duration_seconds": rng.exponential(30, size=events).astype(np.float32),
            "price": _prices()[item],
        },
        schema_overrides={"timestamp": TIME_DTYPE},
    )
    return (
        drawn.with_columns(pl.col("event_type").cat.to(EVENT_TYPE_DTYPE))[rng.permutation(events)]
        .with_row_index("event_id")
        .with_columns(pl.col("event_id").cast(pl.UInt64))
    )


def sorted_log(log: pl.DataFrame, /) -> pl.DataFrame:
    """Return the events sorted by (user_id, timestamp, event_id)."""
    return log.sort("user_id", "timestamp", "event_id")


def session_closes(log: pl.DataFrame, /) -> pl.DataFrame:
    """Return `user_id` and `prediction_time`, last event + 30 minutes, of each session of a sorted log, in that order.

    Found with numpy and not with the library, so that the peers need nothing of what they are compared with.
    """
    user = log["user_id"].to_numpy()
    time = log["timestamp"].to_physical().to_numpy()
    is_last = np.append((np.diff(user) != 0) | (np.diff(time) > GAP), [True])
    return pl.DataFrame(
        {"user_id": user[is_last], "prediction_time": time[is_last] + GAP},
        schema_overrides={"prediction_time": TIME_DTYPE},
    )


def catalog() -> pl.DataFrame:
    """Return the catalog of the items that `click_log` draws from."""
    items = np.arange(_ITEMS)
    price = _prices()
    return pl.DataFrame(
        {
            "item_id": items.astype(np.int64),
            "category": [_CATEGORIES[item % len(_CATEGORIES)] for item in items],
            "base_price": price,
            "discount_pct": np.zeros(_ITEMS),
            "current_price": price,
            "created_at": _ORIGIN - items * _DAY,
        },
        schema_overrides={"category": pl.Enum(_CATEGORIES), "created_at": TIME_DTYPE},
    )


def registrations(log: pl.DataFrame, /) -> pl.DataFrame:
    """Return the users table of a log: each user registered on the day of the first event."""
    return log.group_by("user_id").agg(registration_date=pl.col("timestamp").min().dt.date()).sort("user_id")


def _items(rng: np.random.Generator, user: np.ndarray, users: int) -> np.ndarray:
    """Draw an item for each event: one of the user's favourites for a third, else one by popularity."""
    popularity = np.cumsum(np.arange(1, _ITEMS + 1) ** -0.8)
    favourites = np.searchsorted(popularity, rng.uniform(0, popularity[-1], size=(users, _FAVOURITES)))
    drawn = np.searchsorted(popularity, rng.uniform(0, popularity[-1], size=len(user)))
    favourite = favourites[user, rng.integers(_FAVOURITES, size=len(user))]
    return np.where(rng.uniform(size=len(user)) < 1 / 3, favourite, drawn)


def _prices() -> np.ndarray:
    return np.round(np.random.default_rng(_ITEMS).lognormal(3.5, 1.0, size=_ITEMS), 2)
