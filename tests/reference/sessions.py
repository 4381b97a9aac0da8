"""Sessions: a user's events with no silence longer than the gap between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.events import EVENT_TYPES, Event, by_session, by_user

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def sessionize(events: Sequence[Event], *, gap: int) -> list[Event]:
    """A session ends when the user is silent for longer than `gap`; a silence of exactly `gap` continues it."""
    sessionized = []
    for user in sorted(by_user(events)):
        session_index, previous = 1, None
        for event in by_user(events)[user]:
            if previous is not None and event.timestamp - previous > gap:
                session_index += 1
            sessionized.append(event._replace(session_index=session_index))
            previous = event.timestamp
    return sessionized


def sessionize_by_intent(events: Sequence[Event], *, boundary_events: Collection[str]) -> list[Event]:
    """A boundary event is the last of its session; whatever the user does next begins another."""
    sessionized = []
    for user in sorted(by_user(events)):
        session_index = 1
        for event in by_user(events)[user]:
            sessionized.append(event._replace(session_index=session_index))
            session_index += event.event_type in boundary_events
    return sessionized


def session_table(sessionized: Sequence[Event]) -> list[dict]:
    """Return one row per session, by user and session."""
    table = []
    for (user, session_index), session in sorted(by_session(sessionized).items()):
        types = [event.event_type for event in session]
        table.append(
            {
                "user_id": user,
                "session_index": session_index,
                "start": session[0].timestamp,
                "end": session[-1].timestamp,
                "event_count": len(session),
                **{f"{event_type}_count": types.count(event_type) for event_type in EVENT_TYPES},
                "unique_items": len({event.item_id for event in session if event.item_id is not None}),
            }
        )
    return table
