"""Every aggregate over [T - lag - w, T - lag), by looking at each event for each anchor."""

from __future__ import annotations

from fractions import Fraction
from math import fsum
from typing import TYPE_CHECKING, NamedTuple

from reference.events import HOUR, Anchor, Event, in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Number = int | float


class Aggregate(NamedTuple):
    """What is asked of the events of a window; `where` is None or a predicate, a window of None all history."""

    kind: str
    name: str
    column: str | None = None
    where: Callable[[Event], bool] | None = None
    windows: tuple[int | None, ...] = (None,)
    k: int = 1
    half_life: int | None = None


def aggregate_value(
    aggregate: Aggregate,
    window: int | None,
    anchor: Anchor,
    events: Sequence[Event],
    *,
    by: Sequence[str],
    lag: int = 0,
) -> Number | str | None:
    """Return the value of one aggregate over one window for one anchor."""
    seen = [
        event
        for event in seen_events(anchor, events, by=by, lag=lag, window=window)
        if aggregate.where is None or aggregate.where(event)
    ]
    if aggregate.kind in OF_TIMES:
        return OF_TIMES[aggregate.kind](aggregate, anchor.prediction_time, seen)
    if aggregate.kind == "count":
        return len(seen)
    if aggregate.kind == "last":
        return getattr(seen[-1], aggregate.column) if seen else None
    values = [getattr(event, aggregate.column) for event in seen]
    return OF_VALUES[aggregate.kind]([value for value in values if value is not None])


def seen_events(
    anchor: Anchor, events: Sequence[Event], *, by: Sequence[str], lag: int = 0, window: int | None = None
) -> list[Event]:
    """Return, in order, the anchor's events with T - lag - window <= timestamp and timestamp + lag < T."""
    key = [getattr(anchor, column) for column in by]
    if anchor.prediction_time is None or None in key:
        return []
    return in_order(
        event
        for event in events
        if [getattr(event, column) for column in by] == key
        and event.timestamp + lag < anchor.prediction_time
        and (window is None or event.timestamp >= anchor.prediction_time - lag - window)
    )


def hours_since_last(aggregate: Aggregate, prediction_time: int, seen: Sequence[Event]) -> float | None:
    """Return the age of the k-th latest event."""
    if len(seen) < aggregate.k:
        return None
    return float(Fraction(prediction_time - seen[-aggregate.k].timestamp, HOUR))


def hours_since_first(_: Aggregate, prediction_time: int, seen: Sequence[Event]) -> float | None:
    """Return the age of the earliest event."""
    return float(Fraction(prediction_time - seen[0].timestamp, HOUR)) if seen else None


def decayed_count(aggregate: Aggregate, prediction_time: int, seen: Sequence[Event]) -> float:
    """Return the sum of 2^(-age / half-life); ages are measured from T, whatever the lag."""
    return fsum(2.0 ** -((prediction_time - event.timestamp) / aggregate.half_life) for event in seen)


def total(values: Sequence[float]) -> float:
    """Return the exact sum, rounded once; 0.0 of nothing."""
    return float(sum(map(Fraction, values), Fraction(0)))


def mean(values: Sequence[float]) -> float | None:
    """Return the exact mean, rounded once; None of nothing."""
    return float(sum(map(Fraction, values), Fraction(0)) / len(values)) if values else None


OF_TIMES = {
    "hours_since_last": hours_since_last,
    "hours_since_first": hours_since_first,
    "decayed_count": decayed_count,
}
OF_VALUES = {
    "n_unique": lambda values: len(set(values)),
    "total": total,
    "mean": mean,
    "minimum": lambda values: min(values, default=None),
    "maximum": lambda values: max(values, default=None),
}
