"""The trials of a leakage check: what each one alters, and the rows whose features may not change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.leakage.edits import SINCE, Edits, changes, deletions, injections, no_edits, with_twins
from purchase_pred.leakage.report import moment_text
from purchase_pred.schema import LABEL, LABEL_END, PREDICTION_TIME, TIMESTAMP, USER_ID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

RUN_AGAIN: Final = "run again"
EVENTS_SHUFFLED: Final = "events shuffled"
ANCHORS_SHUFFLED: Final = "anchors shuffled"
TIES_REVERSED: Final = "ties reversed"
OTHERS_DROPPED: Final = "other users dropped"
DELETED: Final = "events deleted"
CHANGED: Final = "events changed"
INJECTED: Final = "events injected"
ANCHORS_DROPPED: Final = "later anchors dropped"
LABELS_CHANGED: Final = "unknown labels changed"

_MOST_TARGETS: Final = 100
_TARGETS_PER_USER: Final = 2


@dataclass(frozen=True)
class World:
    """The unaltered input of the function.

    `anchors` and `log` have ``__row`` as their last column; `lag` is the availability lag in microseconds.
    """

    anchors: pl.DataFrame
    log: pl.DataFrame
    lag: int

    @property
    def since(self) -> pl.Expr:
        """The first moment that the prediction at T may not see."""
        return pl.col(PREDICTION_TIME) - pl.duration(microseconds=self.lag)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of the function on an altered world."""

    tampering: str
    """What is done, a constant of this module."""
    scope: str
    """From when on, or to which part."""
    anchors: pl.DataFrame
    """What the function is given, with ``__row``."""
    compared: pl.Series
    """Boolean, for every row of the unaltered anchors: whether its features may not move."""
    edits: Edits
    """What is done to the log."""
    within_users: bool = False
    """Whether columns that depend on other users' past may move."""
    compared_with: pl.DataFrame | None = None
    """The log, with ``__row``, whose features may not move; None: the log as it is."""


def order_trials(world: World, /, *, rng: np.random.Generator) -> Iterator[Trial]:
    """Run the function on the same input again, and on other orders of the events, the anchors and the ties."""
    everything = _all_rows(world)
    same = no_edits(world.log)
    yield Trial(tampering=RUN_AGAIN, scope="the same input", anchors=world.anchors, compared=everything, edits=same)
    # reversed order inverts every tie; random order shows functions that work for sorted input only
    for scope, log in (("reversed", world.log.reverse()), ("at random", _shuffled(world.log, rng))):
        yield Trial(
            tampering=EVENTS_SHUFFLED, scope=scope, anchors=world.anchors, compared=everything, edits=no_edits(log)
        )
    yield Trial(
        tampering=ANCHORS_SHUFFLED,
        scope="at random",
        anchors=_shuffled(world.anchors, rng),
        compared=everything,
        edits=same,
    )
    tied = with_twins(world.log, rng=rng)
    yield Trial(
        tampering=TIES_REVERSED,
        scope="a twin for every event",
        anchors=world.anchors,
        compared=everything,
        edits=no_edits(tied.reverse()),
        compared_with=tied,
    )


def other_user_trials(world: World, /, *, rng: np.random.Generator) -> Iterator[Trial]:
    """Keep the events and anchors of one random half of the users, then those of the other."""
    users = world.anchors[USER_ID].drop_nulls().unique().sort()
    everyone = pl.concat([users, world.log[USER_ID].drop_nulls().unique().sort()]).unique(maintain_order=True)
    first = pl.Series(rng.permutation(len(everyone)) < len(everyone) // 2)
    for half in (everyone.filter(first), everyone.filter(~first)):
        own = pl.col(USER_ID).is_in(half.implode()).fill_null(value=False)
        kept, dropped = world.anchors.filter(own), world.log.filter(~own)
        if not kept.is_empty() and not dropped.is_empty():
            yield Trial(
                tampering=OTHERS_DROPPED,
                scope=f"all but {len(half):,} users",
                anchors=kept,
                compared=world.anchors.select(own).to_series(),
                edits=deletions(world.log, dropped),
                within_users=True,
            )


def cut_trials(world: World, /, *, cuts: int, rng: np.random.Generator) -> Iterator[Trial]:
    """Alter the events of everyone that are unknown at a moment; rows with a T up to it may not move.

    The moments are values of T, one from each of so many equal parts of them.
    """
    times = world.anchors[PREDICTION_TIME].drop_nulls().unique().sort()
    parts = [part for part in np.array_split(np.arange(len(times)), cuts) if len(part)]
    for cut in (times[int(rng.choice(part))] for part in parts):
        yield from _trials_at(world, cut, rng)


def user_trials(world: World, /, *, rounds: int, rng: np.random.Generator) -> Iterator[Trial]:
    """Alter the events of each user that are unknown at one T of that user; the user's rows up to it may not move."""
    asked = world.anchors.filter(pl.col(USER_ID).is_not_null(), pl.col(PREDICTION_TIME).is_not_null())
    if asked.is_empty():
        return
    for number in range(1, rounds + 1):
        cuts = _shuffled(asked, rng).unique(USER_ID, keep="first", maintain_order=True)
        cuts = cuts.select(USER_ID, world.since.alias(SINCE))
        unknown = world.log.join(cuts, on=USER_ID, how="inner", maintain_order="left")
        rows = world.anchors.join(cuts, on=USER_ID, how="left", maintain_order="left")
        compared = rows.select((world.since <= pl.col(SINCE)).fill_null(value=False)).to_series()
        at_cut = _shuffled(rows.filter(world.since == pl.col(SINCE)), rng)
        yield from _future_trials(
            world,
            scope=f"each user from a T on, {number}",
            unknown=unknown.filter(pl.col(TIMESTAMP) >= pl.col(SINCE)),
            targets=at_cut.group_by(USER_ID, maintain_order=True).head(_TARGETS_PER_USER),
            compared=compared,
            within_users=True,
            rng=rng,
        )


def _trials_at(world: World, cut: datetime, rng: np.random.Generator) -> Iterator[Trial]:
    moment = pl.lit(cut, dtype=world.anchors.schema[PREDICTION_TIME])
    since = moment - pl.duration(microseconds=world.lag)
    scope = f"from {moment_text(cut)} on"
    known_rows = (pl.col(PREDICTION_TIME) <= moment).fill_null(value=False)
    compared = world.anchors.select(known_rows).to_series()
    earlier = world.anchors.filter(known_rows)
    of_user = _shuffled(earlier.filter(pl.col(USER_ID).is_not_null()), rng)
    at_cut, before = (
        of_user.filter(condition) for condition in (pl.col(PREDICTION_TIME) == moment, pl.col(PREDICTION_TIME) < moment)
    )
    targets = pl.concat([at_cut.head(_MOST_TARGETS), before.head(_MOST_TARGETS)]).with_columns(since.alias(SINCE))
    unknown = world.log.filter(pl.col(TIMESTAMP) >= since)
    yield from _future_trials(
        world, scope=scope, unknown=unknown, targets=targets, compared=compared, within_users=False, rng=rng
    )
    same = no_edits(world.log)
    if len(earlier) < len(world.anchors):
        yield Trial(tampering=ANCHORS_DROPPED, scope=scope, anchors=earlier, compared=compared, edits=same)
    if LABEL in world.anchors.columns:
        anchors = _with_other_labels(world, moment)
        yield Trial(tampering=LABELS_CHANGED, scope=scope, anchors=anchors, compared=compared, edits=same)


def _future_trials(
    world: World,
    *,
    scope: str,
    unknown: pl.DataFrame,
    targets: pl.DataFrame,
    compared: pl.Series,
    within_users: bool,
    rng: np.random.Generator,
) -> Iterator[Trial]:
    """Delete the unknown events, change them, and put in others."""
    made = {
        DELETED: deletions(world.log, unknown),
        CHANGED: changes(world.log, unknown, rng=rng),
        INJECTED: injections(world.log, targets, lag=world.lag, rng=rng),
    }
    for tampering, edits in made.items():
        if not edits.rows.is_empty():
            yield Trial(
                tampering=tampering,
                scope=scope,
                anchors=world.anchors,
                compared=compared,
                edits=edits,
                within_users=within_users,
            )


def _with_other_labels(world: World, moment: pl.Expr) -> pl.DataFrame:
    """Invert the labels that are not known at a time: those whose window ends later, or starts then or later."""
    if LABEL_END in world.anchors.columns:
        unknown = pl.col(LABEL_END) + pl.duration(microseconds=world.lag) > moment
    else:
        unknown = pl.col(PREDICTION_TIME) >= moment
    label, dtype = pl.col(LABEL), world.anchors.schema[LABEL]
    other = (label == 0).cast(dtype) if dtype.is_numeric() else ~label if dtype == pl.Boolean else None
    return world.anchors.with_columns(pl.when(unknown).then(other).otherwise(label).alias(LABEL))


def _shuffled(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    return frame[rng.permutation(len(frame)).tolist()] if len(frame) else frame


def _all_rows(world: World) -> pl.Series:
    return pl.repeat(value=True, n=len(world.anchors), eager=True)
