"""The point-in-time engine: every window feature is the difference of running totals at two strict look-ups."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.durations import microseconds
from purchase_pred.errors import SchemaError
from purchase_pred.schema import EVENT_ID, IDENTIFIER, TIME_DTYPE, TIMESTAMP, Requirement, require, require_lazy
from purchase_pred.windows.aggregates import column_names
from purchase_pred.windows.compile import compile_aggregates
from purchase_pred.windows.event_tables import EventTables
from purchase_pred.windows.keys import EventOrder, keyed_events
from purchase_pred.windows.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purchase_pred.windows.aggregates import Aggregate


def window_features(
    anchors: pl.LazyFrame,
    events: pl.LazyFrame,
    /,
    *,
    by: str | Sequence[str],
    aggregates: Sequence[Aggregate],
    availability_lag: timedelta | str = timedelta(0),
    assume_sorted: bool = False,
) -> pl.LazyFrame:
    """Add aggregates over the events of an anchor's entity in [T - lag - w, T - lag), as known at T.

    An event is seen when ``timestamp + availability_lag < T``, strictly; a window keeps its length and moves with the
    lag; ages are measured from T. Events tied in time are seen together; the latest of them is the one with the
    largest event_id. Anchors come back exactly, in their order, duplicates included, with columns added.

    Parameters
    ----------
    anchors
        Columns `by` and ``prediction_time`` (Datetime("us", "UTC")), in any order. A null in either, or an entity
        without events, gives the empty answer: 0 for counts and totals, null for the rest.
    events
        Columns `by`, ``timestamp`` (Datetime("us", "UTC")) and ``event_id`` (any integer), and those that the
        aggregates name, in any order; events may lie after every anchor. Events with a null entity
        or timestamp are never seen.
    by
        The columns of the entity, one or several; of the same dtypes on both sides.
    aggregates
        Made by `count`, `n_unique`, `total`, `mean`, `minimum`, `maximum`, `last`, `hours_since_last`,
        `hours_since_first` and `decayed_count`.
    availability_lag
        How long after its timestamp an event becomes known; not negative.
    assume_sorted
        The events are sorted by (`by`..., timestamp, event_id), ascending: saves the sort. Not checked: a wrong order
        gives wrong results.

    Returns
    -------
    LazyFrame
        The anchors and one column per aggregate and window.

    Raises
    ------
    SchemaError
        A column is missing, has another dtype, or would be made twice.
    ValueError
        `by` or `aggregates` is empty, or the lag is negative.

    Notes
    -----
    Nothing is collected, and the plan runs natively in Polars' streaming engine. Up to some millions of events
    ``collect(engine="in-memory")`` is faster, since its look-ups read the events where they lie; beyond, streaming
    takes less memory. Per call: one sort of the events by one number, one sort of the anchors, and one as-of look-up
    per moment, whatever the number of aggregates. `n_unique` adds a sort of its events; `minimum` and `maximum` add a
    rolling pass over events and anchors together.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> from purchase_pred.windows import count, hours_since_last
    >>> at = lambda hour: datetime(2024, 8, 1, hour, tzinfo=timezone.utc)
    >>> us = pl.Datetime("us", "UTC")
    >>> events = pl.LazyFrame(
    ...     {"event_id": [0, 1, 2], "user_id": [7, 7, 7], "timestamp": [at(1), at(2), at(3)]},
    ...     schema_overrides={"timestamp": us},
    ... )
    >>> anchors = pl.LazyFrame({"user_id": [7], "prediction_time": [at(3)]}, schema_overrides={"prediction_time": us})
    >>> window_features(
    ...     anchors, events, by="user_id", aggregates=[count("seen", windows=["1h", "2h"]), hours_since_last("hours")]
    ... ).collect().select("seen_1h", "seen_2h", "hours").row(0)
    (1, 2, 1.0)
    """
    entity = [by] if isinstance(by, str) else list(by)
    order: EventOrder = "by_entity" if assume_sorted else "any"
    return ordered_window_features(
        anchors, events, by=entity, aggregates=aggregates, availability_lag=availability_lag, order=order
    )


def ordered_window_features(
    anchors: pl.LazyFrame,
    events: pl.LazyFrame,
    /,
    *,
    by: Sequence[str],
    aggregates: Sequence[Aggregate],
    availability_lag: timedelta | str,
    order: EventOrder,
) -> pl.LazyFrame:
    """Do the work of `window_features`, for events whose order may be known in part.

    `order` is what is known: sorted by (`by`..., timestamp, event_id), or tied events of an entity in the order of
    their event_id, or nothing.
    """
    tables = event_tables(events, by=by, aggregates=aggregates, availability_lag=availability_lag, order=order)
    return tables.answered(anchors)


def event_tables(
    events: pl.LazyFrame,
    /,
    *,
    by: Sequence[str],
    aggregates: Sequence[Aggregate],
    availability_lag: timedelta | str,
    order: EventOrder,
) -> EventTables:
    """Return the events as anchors look them up; parameters and errors are those of `ordered_window_features`."""
    lag = microseconds(availability_lag)
    _check(events, by, aggregates, lag)
    kinds = [KINDS[aggregate.kind] for aggregate in aggregates]
    ties_matter = any(
        kind.depends_on_order or aggregate.consecutive for kind, aggregate in zip(kinds, aggregates, strict=True)
    )
    keyed, bases = keyed_events(events, by=by, order=order, ties_matter=ties_matter)
    additive = [aggregate for aggregate in aggregates if not KINDS[aggregate.kind].rolling]
    rolling = [aggregate for aggregate in aggregates if KINDS[aggregate.kind].rolling]
    tables, features = compile_aggregates(additive, keyed, lag=lag)
    dtypes = events.collect_schema()
    return EventTables(
        by={name: dtypes[name] for name in by},
        columns=tuple(column_names(aggregates)),
        lag=lag,
        bases=bases,
        tables=tuple(tables),
        features=features,
        rolling=tuple(rolling),
        rolled=keyed if rolling else None,
    )


def _check(events: pl.LazyFrame, by: Sequence[str], aggregates: Sequence[Aggregate], lag: int) -> None:
    if not by:
        raise ValueError("by must name at least one column of the entity, found none")
    if not aggregates:
        raise ValueError("aggregates must hold at least one aggregate such as count('events'), found none")
    if lag < 0:
        raise ValueError(f"availability_lag must not be negative, found {lag} us")
    schema = require_lazy(events, what="events").collect_schema()
    needed: dict[str, Requirement] = {name: schema.get(name, pl.Unknown) for name in by}
    read: dict[str, Requirement] = {root: schema.get(root, pl.Unknown) for a in aggregates for root in a.reads}
    require(events, {**needed, **read, EVENT_ID: IDENTIFIER, TIMESTAMP: TIME_DTYPE}, what="events")
    for aggregate in aggregates:
        _check_condition(aggregate, schema)
        dtype = schema.get(str(aggregate.column))
        if KINDS[aggregate.kind].needs_numbers and dtype is not None and not dtype.is_numeric():
            raise SchemaError(f"events: {aggregate.kind} needs numbers, column {aggregate.column!r} is {dtype}")


def _check_condition(aggregate: Aggregate, schema: pl.Schema) -> None:
    """Raise unless the condition is true or false of each event; it is tried on a log without any."""
    if aggregate.where is None:
        return
    try:
        (dtype,) = schema.to_frame().select(aggregate.where).dtypes
    except (pl.exceptions.PolarsError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise SchemaError(f"events: where of {aggregate.name!r} does not fit their columns: {reason}") from error
    if dtype not in (pl.Boolean, pl.Null):
        raise SchemaError(f"events: where of {aggregate.name!r} must be true or false of each event, found {dtype}")
