"""Random logs that are nothing but corner cases: one generator, fed by a seed or by hypothesis.

Times lie on a coarse grid, so that ties, events at T, at T - w and silences of exactly the gap are the rule; some
are a microsecond off it. Rows are out of order, some repeat, some prices and durations are null.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
from hypothesis import strategies as st

from reference.events import (
    DAY,
    EVENT_TYPES,
    HOUR,
    MICROSECOND,
    MINUTE,
    SECOND,
    Anchor,
    CatalogItem,
    Event,
    Identifier,
)
from reference.frames import Ids
from reference.sessions import sessionize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GAP = 30 * MINUTE
GRIDS = (MICROSECOND, 1000 * SECOND, 10 * MINUTE, GAP, HOUR, 6 * HOUR, DAY)
ORIGINS = (0, -3 * DAY, 19_936 * DAY, 19_936 * DAY + 12_345_678_901)
OFF_GRID = (0, 0, 0, 0, 0, 0, MICROSECOND, -MICROSECOND)
PRICES = (0.0, 0.01, 0.1, 9.99, 9.99, 10.0, 19.95, 1234.56, None)
TYPES = (*EVENT_TYPES, "view", "view", "add_to_cart", "purchase")
DURATIONS = (0.0, 0.25, 1.5, 12.0, 12.0, 3600.5, None)  # each one exact in Float32
TEXT = pl.String()


class Names(NamedTuple):
    """Identifiers to choose from, a last one that no event carries, and their dtype."""

    dtype: pl.DataType
    known: tuple[Identifier, ...]
    unknown: Identifier


NAMES = (
    Names(TEXT, ("u1", "u2", "u10", ""), "nobody"),
    Names(TEXT, ("a", "A", "\u00fc", "a b"), "\u4e2d"),
    Names(pl.Int64(), (0, -1, 2**63 - 1, -(2**63)), 7),
    Names(pl.UInt64(), (0, 1, 2**64 - 1, 2**63), 7),
    Names(pl.UInt32(), (0, 1, 2, 2**32 - 1), 7),
    Names(pl.Int8(), (-128, 127, 0, 1), 7),
)


class Log(NamedTuple):
    """A random log: events in no order, anchors in no order, and the scales on which they were laid out."""

    ids: Ids
    events: tuple[Event, ...]
    anchors: tuple[Anchor, ...]
    windows: tuple[int, ...]
    lag: int


class Shop(NamedTuple):
    """A sessionized random log with a catalog and users that know only some of its items and users."""

    log: Log
    catalog: tuple[CatalogItem, ...]
    registered: dict[Identifier, int]
    categories: pl.DataType


def seeded(seed: int) -> Random:
    """Return the source of randomness of one test case."""
    return Random(seed)  # noqa: S311  (a test case, not a secret)


def logs(*, most_events: int = 14, most_anchors: int = 8) -> st.SearchStrategy[Log]:
    """Random logs for hypothesis, shrunk towards fewer and plainer rows."""
    return st.randoms(use_true_random=False).map(
        lambda random: random_log(random, most_events=most_events, most_anchors=most_anchors)
    )


def shops(*, most_events: int = 20, most_anchors: int = 8) -> st.SearchStrategy[Shop]:
    """Random shops for hypothesis."""
    return st.randoms(use_true_random=False).map(
        lambda random: random_shop(random, most_events=most_events, most_anchors=most_anchors)
    )


def random_log(random: Random, *, most_events: int = 14, most_anchors: int = 8, null_keys: bool = True) -> Log:
    """Return a random log; `null_keys` lets users, sessions and items of events be null as well."""
    users, items = random.choice(NAMES), random.choice(NAMES)
    grid, origin = random.choice(GRIDS), random.choice(ORIGINS)
    windows = (MICROSECOND, grid, 2 * grid, 5 * grid + MICROSECOND, 40_000 * DAY)
    lag = random.choice((0, 0, MICROSECOND, grid, 3 * grid))
    slots = random.randint(1, 12)
    events: list[Event] = []
    for event_id in range(random.randint(0, most_events)):
        if events and random.random() < 0.1:
            events.append(random.choice(events)._replace(event_id=event_id))
            continue
        time = origin + grid * random.randint(0, slots) + random.choice(OFF_GRID)
        event = random_event(random, event_id, time, users=users.known, items=items.known)
        events.append(_forgetful(random, event) if null_keys else event)
    random.shuffle(events)
    times = [event.timestamp for event in events] or [origin]
    steps = (0, 0, MICROSECOND, -MICROSECOND, lag, lag + MICROSECOND, *(lag + window for window in windows[:4]))
    anchors = random_anchors(
        random, most_anchors, users=users, items=items, times=lambda: random.choice(times) + random.choice(steps)
    )
    return Log(Ids(users.dtype, items.dtype), tuple(events), tuple(anchors), windows, lag)


def random_event(
    random: Random, event_id: int, time: int, *, users: Sequence[Identifier], items: Sequence[Identifier]
) -> Event:
    """Return an event of a random user; the last of the users never buys."""
    user = random.choice(users)
    return Event(
        event_id=event_id,
        user_id=user,
        timestamp=time,
        event_type=random.choice(EVENT_TYPES[:4] if user == users[-1] else TYPES),
        item_id=random.choice(items),
        duration_seconds=random.choice(DURATIONS),
        price=random.choice(PRICES),
        session_index=random.randint(1, 3),
    )


def random_anchors(random: Random, most: int, *, users: Names, items: Names, times: Callable[[], int]) -> list[Anchor]:
    """Return anchors in no order: some repeated, some of unknown keys, some with nulls."""
    anchors: list[Anchor] = []
    for _ in range(random.randint(0, most)):
        if anchors and random.random() < 0.15:
            anchors.append(random.choice(anchors))
            continue
        anchor = Anchor(
            user_id=random.choice((*users.known, *users.known, users.unknown)),
            session_index=random.choice((1, 1, 2, 3, 9)),
            item_id=random.choice((*items.known, *items.known, items.unknown)),
            prediction_time=times(),
        )
        anchors.append(_forgetful(random, anchor))
    return anchors


def random_shop(random: Random, *, most_events: int = 20, most_anchors: int = 8) -> Shop:
    """Return a sessionized random log of some weeks, with one-event users, a catalog and users."""
    log = random_log(random, most_events=most_events, most_anchors=most_anchors, null_keys=False)
    events = [_spread(random, event) for event in log.events]
    events = sessionize(events, gap=GAP)
    random.shuffle(events)
    times = [event.timestamp for event in events] or [0]
    anchors = [
        anchor
        if anchor.prediction_time is None or random.random() < 0.3
        else anchor._replace(prediction_time=random.choice(times) + random.choice(_SHOP_STEPS) + log.lag)
        for anchor in log.anchors
    ]
    log = log._replace(events=tuple(events), anchors=tuple(anchors))
    items = sorted({event.item_id for event in events})
    catalog = tuple(_catalog_item(random, item, min(times)) for item in items if random.random() < 0.8)
    registered = {
        user: (min(times) // DAY + random.choice((0, 0, 1, -400))) * DAY
        for user in sorted({event.user_id for event in events})
        if random.random() < 0.8
    }
    categories = random.choice((pl.Enum(["unused", *_CATEGORIES]), TEXT))
    return Shop(log, catalog, registered, categories)


_CATEGORIES = ("books", "shoes")
_SHOP_STEPS = (0, MICROSECOND, GAP, HOUR, DAY, 7 * DAY, 7 * DAY + MICROSECOND, 30 * DAY, 30 * DAY + MICROSECOND)


def _spread(random: Random, event: Event) -> Event:
    """Move an event by whole days, so that the windows of 1, 7 and 30 days part the log."""
    return event._replace(timestamp=event.timestamp + random.choice((0, 0, 1, 2, 7, 30)) * DAY)


def _catalog_item(random: Random, item: Identifier, start: int) -> CatalogItem:
    return CatalogItem(
        item_id=item,
        category=random.choice((*_CATEGORIES, None)),
        base_price=random.choice((0.0, 9.99, 10.0, 20.0, 1234.56, None)),
        current_price=random.choice((0.0, 5.0, 9.99, 25.0, None)),
        created_at=random.choice((start - 100 * DAY, start, start + DAY, None)),
    )


def _forgetful(random: Random, row: Event | Anchor) -> Event | Anchor:
    """Return the row, now and then with one of its keys null."""
    if random.random() >= 0.08:
        return row
    keys = ("user_id", "session_index", "item_id")
    times = ("prediction_time",) if isinstance(row, Anchor) else ()
    return row._replace(**{random.choice((*keys, *times)): None})
