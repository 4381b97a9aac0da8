"""The rows a model learns from: anchors with labels, each in its split, and purged when its label leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reference.events import Anchor, Event, by_session
from reference.labels import label
from reference.splits import boundaries, split_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction


class Shares(NamedTuple):
    """Where the splits lie."""

    train: Fraction
    val: Fraction
    align: int
    embargo: int


class PredictionRow(NamedTuple):
    """An anchor with its label and its place."""

    anchor: Anchor
    label_end: int
    label: int | None
    split: str
    purged: bool


def prediction_rows(
    anchors: Sequence[Anchor],
    sessionized: Sequence[Event],
    *,
    horizon: int,
    level: str,
    sessions: int | None,
    shares: Shares,
) -> list[PredictionRow]:
    """A row belongs to the split in which its session starts, or T lies where there is no session.

    It is purged unless T and T + horizon lie within that split; for test, within the log. What opens after another
    split takes rows from the embargo on only.
    """
    if not sessionized:
        return []
    start, train_end, val_end, end = boundaries(sessionized, train=shares.train, val=shares.val, align=shares.align)
    within = {
        "train": (start, train_end),
        "val": (train_end + shares.embargo, val_end),
        "test": (val_end + shares.embargo, end),
    }
    starts = {key: session[0].timestamp for key, session in by_session(sessionized).items()}
    rows = []
    for anchor in anchors:
        time = anchor.prediction_time
        split = split_at(starts.get((anchor.user_id, anchor.session_index), time), train_end, val_end)
        earliest, latest = within[split]
        value = label(anchor, sessionized, horizon=horizon, level=level, sessions=sessions)
        purged = not earliest <= time <= time + horizon <= latest
        rows.append(PredictionRow(anchor, time + horizon, value, split, purged))
    return rows
