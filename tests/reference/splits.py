"""Splits: the span from first to last event, cut twice; a session lies, whole, where it starts."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING

from reference.events import Event, by_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction


def boundaries(
    events: Sequence[Event], *, train: Fraction, val: Fraction, align: int, by: str = "time"
) -> tuple[int, int, int, int]:
    """Return (first event, end of train, end of val, last event); the two ends floored to `align`."""
    times = sorted(event.timestamp for event in events)
    start, end = times[0], times[-1]

    def boundary(share: Fraction) -> int:
        exact = floor(start + share * (end - start)) if by == "time" else times[ceil(share * (len(times) - 1))]
        return exact // align * align

    return start, boundary(train), boundary(train + val), end


def temporal_split(
    sessionized: Sequence[Event], *, train: Fraction, val: Fraction, align: int, by: str = "time"
) -> dict[int, str]:
    """Return the split of each event by event_id; a session that starts at a boundary is in the later split."""
    _, train_end, val_end, _ = boundaries(sessionized, train=train, val=val, align=align, by=by)
    splits = {}
    for session in by_session(sessionized).values():
        split = split_at(session[0].timestamp, train_end, val_end)
        splits.update({event.event_id: split for event in session})
    return splits


def split_at(moment: int, train_end: int, val_end: int) -> str:
    """Return the split that holds a moment; a boundary belongs to the later one."""
    return "train" if moment < train_end else "val" if moment < val_end else "test"
