"""Labels: does it happen in [T, T + horizon)?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference.events import Anchor, Event


def label(
    anchor: Anchor,
    sessionized: Sequence[Event],
    *,
    horizon: int,
    level: str,
    sessions: int | None = None,
    end: int | None = None,
) -> int | None:
    """Return 1 when a purchase that the level asks for lies in [T, T + horizon), else 0.

    None without a T, and where T + horizon lies past the end of the log: `end`, or else its last event.

    With `sessions` the purchase must also lie in one of the user's next so many sessions, or in what is left of the
    one in progress.
    """
    if end is None:
        end = max((event.timestamp for event in sessionized), default=None)
    if anchor.prediction_time is None or end is None or anchor.prediction_time + horizon > end:
        return None
    latest = last_session(anchor, sessionized)
    for event in sessionized:
        if (
            event.event_type == "purchase"
            and anchor.prediction_time <= event.timestamp < anchor.prediction_time + horizon
            and is_asked_for(anchor, event, level)
            and (sessions is None or event.session_index <= latest + sessions)
        ):
            return 1
    return 0


def churn(anchor: Anchor, sessionized: Sequence[Event], *, horizon: int, end: int | None = None) -> int | None:
    """Return 1 when no event of the user lies in [T, T + horizon), else 0; None where that is not known yet."""
    if end is None:
        end = max((event.timestamp for event in sessionized), default=None)
    if anchor.prediction_time is None or end is None or anchor.prediction_time + horizon > end:
        return None
    for event in sessionized:
        inside = anchor.prediction_time <= event.timestamp < anchor.prediction_time + horizon
        if inside and is_asked_for(anchor, event, "user"):
            return 0
    return 1


def label_of(
    kind: str,
    anchor: Anchor,
    sessionized: Sequence[Event],
    *,
    horizon: int,
    level: str,
    sessions: int | None,
    end: int | None = None,
) -> int | None:
    """Return the label of a kind of target."""
    if kind == "churn":
        return churn(anchor, sessionized, horizon=horizon, end=end)
    return label(anchor, sessionized, horizon=horizon, level=level, sessions=sessions, end=end)


def amount(anchor: Anchor, sessionized: Sequence[Event], *, horizon: int, level: str, end: int) -> float | None:
    """Return what is spent on the purchases that the label looks for; None where no price of them is known."""
    known = label(anchor, sessionized, horizon=horizon, level=level, end=end)
    prices = [
        event.price
        for event in sessionized
        if known
        and event.event_type == "purchase"
        and anchor.prediction_time <= event.timestamp < anchor.prediction_time + horizon
        and is_asked_for(anchor, event, level)
    ]
    if not known:
        return None if known is None else 0.0
    told = [price for price in prices if price is not None]
    return sum(told) if told else None


def is_asked_for(anchor: Anchor, event: Event, level: str) -> bool:
    """Return whether the event concerns what the level is about; nothing concerns a missing key."""
    keys = {"user_item": ("user_id", "item_id"), "user": ("user_id",), "session": ("user_id", "session_index")}[level]
    return all(getattr(anchor, key) is not None and getattr(anchor, key) == getattr(event, key) for key in keys)


def last_session(anchor: Anchor, sessionized: Sequence[Event]) -> int:
    """Return the number of the user's sessions that have begun before T."""
    begun = [
        event.session_index
        for event in sessionized
        if event.user_id == anchor.user_id and event.timestamp < anchor.prediction_time
    ]
    return max(begun, default=0)
