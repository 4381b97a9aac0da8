"""Anchors: the moments at which a prediction is made, and for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle.events import MICROSECOND, Anchor, Event, by_session, by_user

if TYPE_CHECKING:
    from collections.abc import Sequence


def session_close(sessionized: Sequence[Event], *, gap: int) -> list[Anchor]:
    """At last event + gap, one per item viewed in the session; not for sessions still open when the log ends."""
    end = max((event.timestamp for event in sessionized), default=0)
    anchors = []
    for (user, session_index), session in by_session(sessionized).items():
        prediction_time = session[-1].timestamp + gap
        if prediction_time <= end:
            viewed = {event.item_id for event in session if event.event_type == "view"}
            anchors += [Anchor(user, session_index, item, prediction_time) for item in viewed]
    return anchors


def in_session(sessionized: Sequence[Event], *, every: int) -> list[Anchor]:
    """One microsecond after each `every`-th event of a session, so that the event and its ties are seen."""
    anchors = []
    for (user, session_index), session in by_session(sessionized).items():
        for position, event in enumerate(session, start=1):
            if position % every == 0:
                anchors.append(Anchor(user, session_index, None, event.timestamp + MICROSECOND))
    return anchors


def calendar(sessionized: Sequence[Event], *, every: int, start: int) -> list[Anchor]:
    """Every `every` from `start` to the end of the log, for each user with an event before."""
    end = max((event.timestamp for event in sessionized), default=0)
    anchors = []
    for user, history in by_user(sessionized).items():
        prediction_time = start
        while prediction_time <= end:
            if history[0].timestamp < prediction_time:
                anchors.append(Anchor(user, None, None, prediction_time))
            prediction_time += every
    return anchors
