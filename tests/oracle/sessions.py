"""Sessions: a user's events with no silence longer than the gap between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle.events import Event, by_session, by_user

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


def session_table(sessionized: Sequence[Event]) -> list[tuple]:
    """Return (user, session, start, end, number of events) of each session, by user and session."""
    return sorted(
        (user, session_index, session[0].timestamp, session[-1].timestamp, len(session))
        for (user, session_index), session in by_session(sessionized).items()
    )
