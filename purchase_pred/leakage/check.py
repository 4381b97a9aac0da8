"""The check: run a feature function on altered logs, and require the same features bit for bit."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.durations import microseconds
from purchase_pred.errors import InputError
from purchase_pred.features.dictionary import cross_user_features
from purchase_pred.leakage.edits import ROW
from purchase_pred.leakage.examples import find_examples
from purchase_pred.leakage.report import Example, Leak, LeakageReport, TrialSummary
from purchase_pred.leakage.subject import FeatureFunction, Outcome, Subject
from purchase_pred.leakage.trials import (
    OTHERS_DROPPED,
    World,
    cut_trials,
    order_trials,
    other_user_trials,
    user_trials,
)
from purchase_pred.schema import (
    EVENT_ID,
    IDENTIFIER,
    PREDICTION_TIME,
    TIME_DTYPE,
    TIMESTAMP,
    USER_ID,
    require,
    require_lazy,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    import polars as pl

_HINT: Final = (
    "Columns that moved only when other users were dropped read the events of others: if only their past, "
    "as item popularity does, name them in cross_user."
)


def check_leakage(
    feature_function: FeatureFunction,
    anchors: pl.LazyFrame,
    events: pl.LazyFrame,
    /,
    *,
    availability_lag: timedelta | str = timedelta(0),
    cross_user: Collection[str] | None = None,
    cuts: int = 3,
    rounds: int = 2,
    seed: int = 0,
) -> LeakageReport:
    """Alter everything that a prediction may not know, and report every feature that changes.

    The function is run about 30 times, each time on one alteration, and its columns are compared with those of the
    unaltered log, bit by bit (null equals null, NaN equals NaN). Events with ``timestamp + availability_lag >= T`` are
    unknown at T: they are deleted, changed and joined by others, for everyone from a time on (rows with a T up to it
    may not change), and for each user from a T of the user's own on (the user's rows up to it may not change). Later
    anchors are dropped, labels not known yet are inverted, other users are dropped, and the rows of events, of anchors and
    of events tied in time are put into other orders, ``event_id`` staying with its event.

    Parameters
    ----------
    feature_function
        Takes anchors and events and returns one row per anchor, in their order, with feature columns: those that the
        anchors do not have. It is called with frames in memory, and what it returns is collected.
    anchors
        ``user_id``, ``prediction_time`` (Datetime("us", "UTC")) and whatever the function needs. If there is a
        ``label``, its values are inverted where they are not known yet (by ``label_end``, if there is one).
    events
        ``event_id`` (integer), ``user_id``, ``timestamp`` (Datetime("us", "UTC")) and whatever the function needs.
        ``session_index`` belongs to an event: it is not computed anew. Both frames are collected; take a sample of
        users of a large log.
    availability_lag
        How long after its timestamp an event becomes known; not negative.
    cross_user
        Columns that may depend on other users' past. None: those of the shipped dictionary (`cross_user_features`).
    cuts
        Number of times from which on the events of everyone are altered.
    rounds
        How often the events of each user are altered from a T of the user's own on.
    seed
        Seed of the choice of times, rows and values: the same seed gives the same trials.

    Returns
    -------
    LeakageReport
        ``leaks`` is empty when clean; each names a column, the alterations that changed it, the number of rows, and an
        example with the anchor, its T, the value before and after and the offending event. ``str(report)`` is a
        readable table.

    Raises
    ------
    SchemaError
        A column is missing or has another dtype, or the function does not return the anchors' rows, in their order,
        with at least one column added.
    InputError
        An event has no timestamp.
    ValueError
        The lag is negative, or `cuts` or `rounds` is below 1.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> import purchase_pred as pp
    >>> at = lambda hour: datetime(2024, 8, 1, hour, tzinfo=timezone.utc)
    >>> us = pl.Datetime("us", "UTC")
    >>> events = pl.LazyFrame(
    ...     {"event_id": [0, 1], "user_id": [7, 7], "timestamp": [at(1), at(2)]}, schema_overrides={"timestamp": us}
    ... )
    >>> anchors = pl.LazyFrame({"user_id": [7], "prediction_time": [at(2)]}, schema_overrides={"prediction_time": us})
    >>> known = lambda a, e: pp.window_features(a, e, by="user_id", aggregates=[pp.count("seen")])
    >>> pp.check_leakage(known, anchors, events).leaks
    ()
    >>> late = lambda a, e: a.join(e.group_by("user_id").len("seen"), on="user_id", how="left", maintain_order="left")
    >>> [(leak.column, leak.rows, leak.example.event["event_id"]) for leak in pp.check_leakage(late, anchors, events).leaks]
    [('seen', 1, 1)]
    """  # noqa: E501  (one line of the example)
    lag = microseconds(availability_lag)
    if lag < 0 or min(cuts, rounds) < 1:
        raise ValueError(
            f"availability_lag must not be negative, cuts and rounds 1 or more, found {lag} us, {cuts}, {rounds}"
        )
    user = require_lazy(events, what="events").collect_schema().get(USER_ID, IDENTIFIER[0])
    require(events, {EVENT_ID: IDENTIFIER, USER_ID: IDENTIFIER, TIMESTAMP: TIME_DTYPE}, what="events")
    require(anchors, {USER_ID: user, PREDICTION_TIME: TIME_DTYPE}, what="anchors")
    world = World(anchors.collect().with_row_index(ROW), events.collect().with_row_index(ROW), lag)
    timeless = world.log[TIMESTAMP].null_count()
    if timeless:
        raise InputError(
            f"events: every event needs a timestamp, {timeless:,} of {len(world.log):,} have none; leave them out with "
            f"drop_nulls({TIMESTAMP!r})"
        )
    subject = Subject(feature_function, world)
    crossing = set(cross_user_features() if cross_user is None else cross_user)
    outcomes = _outcomes(subject, world, crossing, cuts=cuts, rounds=rounds, rng=np.random.default_rng(seed))
    leaks = _leaks(outcomes, find_examples(subject, outcomes))
    return LeakageReport(
        leaks=leaks,
        trials=tuple(_summary(outcome) for outcome in outcomes),
        columns=tuple(subject.columns),
        anchors=len(world.anchors),
        events=len(world.log),
        hint=_HINT if any(leak.tamperings == (OTHERS_DROPPED,) for leak in leaks) else "",
    )


def _outcomes(
    subject: Subject, world: World, crossing: set[str], *, cuts: int, rounds: int, rng: np.random.Generator
) -> list[Outcome]:
    """Run all trials; a column found to depend on other users is not compared again in the trials of their events."""
    outcomes = []
    for trial in chain(
        order_trials(world, rng=rng),
        other_user_trials(world, rng=rng),
        cut_trials(world, cuts=cuts, rng=rng),
        user_trials(world, rounds=rounds, rng=rng),
    ):
        outcome = subject.judge(trial, leaving_out=crossing if trial.within_users else ())
        outcomes.append(outcome)
        if trial.tampering == OTHERS_DROPPED:
            crossing = crossing.union(outcome.moved)
    return outcomes


def _leaks(outcomes: list[Outcome], examples: dict[str, Example]) -> tuple[Leak, ...]:
    leaks = []
    for column, example in examples.items():
        moving = [outcome for outcome in outcomes if column in outcome.moved]
        rows = np.unique(np.concatenate([outcome.moved[column].to_numpy() for outcome in moving]))
        tamperings = tuple(dict.fromkeys(outcome.trial.tampering for outcome in moving))
        leaks.append(Leak(column, tamperings, len(rows), example))
    return tuple(leaks)


def _summary(outcome: Outcome) -> TrialSummary:
    trial = outcome.trial
    return TrialSummary(
        tampering=trial.tampering,
        scope=trial.scope,
        edits=len(trial.edits.rows),
        rows=int(trial.compared.sum()),
        columns=len(outcome.columns),
        moved=tuple(outcome.moved),
    )
