"""Labels: does it happen in [T, T + horizon)?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle.events import Anchor, Event, by_session

if TYPE_CHECKING:
    from collections.abc import Sequence


def label(
    anchor: Anchor, sessionized: Sequence[Event], *, horizon: int, level: str, sessions: int | None = None
) -> int:
    """Return 1 when a purchase that the level asks for lies in [T, T + horizon) and in a next session."""
    if anchor.prediction_time is None or anchor.user_id is None:
        return 0
    for event in sessionized:
        if event.event_type != "purchase" or event.user_id != anchor.user_id:
            continue
        if not anchor.prediction_time <= event.timestamp < anchor.prediction_time + horizon:
            continue
        if level == "user_item" and (anchor.item_id is None or event.item_id != anchor.item_id):
            continue
        if level == "session" and event.session_index != anchor.session_index:
            continue
        if sessions is None or event.session_index in next_sessions(anchor, sessionized, sessions):
            return 1
    return 0


def next_sessions(anchor: Anchor, sessionized: Sequence[Event], number: int) -> list[int]:
    """Return the first `number` of the user's sessions that start at or after T."""
    starts = [
        (session[0].timestamp, session_index)
        for (user, session_index), session in by_session(sessionized).items()
        if user == anchor.user_id and session[0].timestamp >= anchor.prediction_time
    ]
    return [session_index for _, session_index in sorted(starts)[:number]]
