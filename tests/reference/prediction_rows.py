"""The rows a model learns from: anchors with labels, each in its split, and purged when its label leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reference.events import Anchor, Event, by_session
from reference.labels import label_of, last_session
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
    kind: str = "purchase",
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
        value = label_of(kind, anchor, sessionized, horizon=horizon, level=level, sessions=sessions)
        purged = not earliest <= time <= time + horizon <= latest
        rows.append(PredictionRow(anchor, time + horizon, value, split, purged))
    return rows


def open_points(
    anchors: Sequence[Anchor],
    known: Sequence[Event],
    *,
    moment: int,
    horizon: int,
    level: str,
    sessions: int | None,
    gap: int,
    kind: str = "purchase",
) -> list[Anchor]:
    """The points whose time has come and whose answer has not, of each user, or user and item, those of the latest T.

    A point within a session counts while the session may still go on. `known` is what happened before the moment.
    """

    def unit(anchor: Anchor) -> tuple:
        return (anchor.user_id, anchor.item_id) if level == "user_item" else (anchor.user_id,)

    due = [anchor for anchor in anchors if anchor.prediction_time <= moment < anchor.prediction_time + horizon]
    latest = {unit(anchor): max(a.prediction_time for a in due if unit(a) == unit(anchor)) for anchor in due}
    due = [anchor for anchor in due if anchor.prediction_time == latest[unit(anchor)]]
    return [
        anchor
        for anchor in due
        if label_of(kind, anchor, known, horizon=horizon, level=level, sessions=sessions, end=moment + horizon)
        == (kind == "churn")
        and not (sessions is not None and _are_over(anchor, known, moment=moment, sessions=sessions, gap=gap))
    ]


def _are_over(anchor: Anchor, known: Sequence[Event], *, moment: int, sessions: int, gap: int) -> bool:
    """Whether no event at or after the moment can belong to one of the user's next so many sessions."""
    own = [event for event in known if event.user_id == anchor.user_id]
    latest = max(own, key=lambda event: event.timestamp)
    soonest = latest.session_index + (moment - latest.timestamp > gap)
    return soonest > last_session(anchor, known) + sessions
