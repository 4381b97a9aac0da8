"""What the references loop over: events, anchors, catalog items; every time is a whole number of microseconds UTC."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MICROSECOND = 1
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

EVENT_TYPES = ("view", "scroll", "add_to_cart", "remove_from_cart", "purchase")

Identifier = str | int


class Event(NamedTuple):
    """One row of the log; `session_index` is known once the log is sessionized."""

    event_id: int
    user_id: Identifier | None
    timestamp: int
    event_type: str
    item_id: Identifier | None
    duration_seconds: float | None = None
    price: float | None = None
    session_index: int | None = None


class Anchor(NamedTuple):
    """One prediction to be made: for whom, on what, and when."""

    user_id: Identifier | None
    session_index: int | None
    item_id: Identifier | None
    prediction_time: int | None


class CatalogItem(NamedTuple):
    """What is known of an item."""

    item_id: Identifier
    category: str | None
    base_price: float | None
    current_price: float | None
    created_at: int | None


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return the events by time, ties by event_id."""
    return sorted(events, key=lambda event: (event.timestamp, event.event_id))


def by_user(events: Iterable[Event]) -> dict[Identifier, list[Event]]:
    """Return each user's events in order."""
    found = defaultdict(list)
    for event in in_order(events):
        found[event.user_id].append(event)
    return dict(found)


def by_session(sessionized: Iterable[Event]) -> dict[tuple[Identifier, int], list[Event]]:
    """Return each session's events in order."""
    found = defaultdict(list)
    for event in in_order(sessionized):
        found[event.user_id, event.session_index].append(event)
    return dict(found)
