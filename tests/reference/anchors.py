"""Anchors: the moments at which a prediction is made, and for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.events import MICROSECOND, Anchor, Event, by_session

if TYPE_CHECKING:
    from collections.abc import Sequence


def session_close(sessionized: Sequence[Event], *, gap: int, end: int | None = None) -> list[Anchor]:
    """At last event + gap, one per item viewed in the session; not for sessions still open when the log ends."""
    end = max((event.timestamp for event in sessionized), default=0) if end is None else end
    anchors = []
    for (user, session_index), session in by_session(sessionized).items():
        prediction_time = session[-1].timestamp + gap
        if prediction_time <= end:
            viewed = {event.item_id for event in session if event.event_type == "view"}
            anchors += [Anchor(user, session_index, item, prediction_time) for item in viewed]
    return anchors


def in_session(sessionized: Sequence[Event], *, every: int = 1, at: str = "event") -> list[Anchor]:
    """One microsecond after the event, so that it and its ties are seen.

    After each `every`-th event of a session, or after each add_to_cart, or after its first event.
    """
    anchors = []
    for (user, session_index), session in by_session(sessionized).items():
        for position, event in enumerate(session, start=1):
            asked = {
                "event": position % every == 0,
                "add_to_cart": event.event_type == "add_to_cart",
                "session_start": position == 1,
            }
            if asked[at]:
                anchors.append(Anchor(user, session_index, event.item_id, event.timestamp + MICROSECOND))
    return anchors


def calendar(
    sessionized: Sequence[Event],
    *,
    every: int,
    start: int,
    end: int | None = None,
    level: str = "user",
    active_within: int | None = None,
) -> list[Anchor]:
    """Every `every` from `start` to `end`, none: to the end of the log, for each user with an event before.

    At the level user_item, for each user and item with an event in [T - every, T); with `active_within`, at any level,
    with an event in [T - active_within, T).
    """
    last = max((event.timestamp for event in sessionized), default=0) if end is None else end
    reach = every if level == "user_item" and active_within is None else active_within
    anchors = set()
    for prediction_time in range(start, last + 1, every):
        for event in sessionized:
            age = prediction_time - event.timestamp
            if age > 0 and (reach is None or age <= reach):
                item = event.item_id if level == "user_item" else None
                anchors.add(Anchor(event.user_id, None, item, prediction_time))
    return list(anchors)
