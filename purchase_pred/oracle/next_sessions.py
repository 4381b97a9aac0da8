"""The probability of a purchase within the user's next sessions, estimated from rollouts whose sessions are counted."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.oracle.latent_state import END, since_start
from purchase_pred.oracle.open_needs import find_open_needs
from purchase_pred.oracle.rollouts import PredictionPoints, measure_visits
from purchase_pred.oracle.session_counts import ANY_ITEM, ITEM, NEED, POINT, ROW, SHARE, count_rollouts
from purchase_pred.schema import ITEM_ID, PREDICTION_TIME, TIMESTAMP, USER_ID
from purchase_pred.simulation.arrays import take
from purchase_pred.simulation.needs import LARGEST_SET, NO_ITEM
from purchase_pred.simulation.streams import Stream, generator
from purchase_pred.windows import last, window_features

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purchase_pred.oracle.latent_state import VisitTimes
    from purchase_pred.oracle.open_needs import OpenNeeds
    from purchase_pred.oracle.session_counts import RolloutResult, SessionTarget
    from purchase_pred.oracle.world import World
    from purchase_pred.simulation.arrays import Floats
    from purchase_pred.simulation.rhythm import Rhythm

ROLLOUTS_AT_ONCE: Final = 50_000
"""Rollouts that are drawn at a time, to bound the memory."""
FEWER: Final = 4
"""Where no open need can end in a purchase that counts, so many times fewer rollouts are drawn."""
_KEYS: Final = [USER_ID, PREDICTION_TIME, END]
_NOW: Final = "now"
_LATEST: Final = "latest"


@dataclass(frozen=True)
class Estimate:
    """What is known of the purchases that count, apart from the rates of future needs; arrays by row."""

    p_open: Floats
    """Probability of a purchase that counts for a need that is open at T."""
    p_error: Floats
    """Its standard error."""
    exposure: Floats
    """Mean activity days in which a journey can open whose visit falls into the target; by (row, visit)."""
    exposure_error: Floats
    """Its standard error."""


def estimate_within_sessions(
    rows: pl.DataFrame,
    truth: pl.DataFrame,
    visits: VisitTimes,
    events: pl.DataFrame,
    /,
    *,
    world: World,
    target: SessionTarget,
) -> Estimate:
    """Return the estimate of purchases within the user's next sessions, for each row.

    Parameters
    ----------
    rows
        `user_id`, `prediction_time`, `end` (visits begin before it; microseconds since the start of the period) and,
        where only the purchase of one item counts, `item_id`.
    truth, visits, events
        The truth, the visits in it, and the log.
    world, target
        The simulated world, and which sessions and purchases count.

    Notes
    -----
    A rollout contributes the probabilities of purchases in its visits, as long as nothing that counts was bought
    before, and not the purchases themselves: the mean is the same and the variance smaller. Visits for future needs are
    drawn with the others, since they take sessions too. The purchases of future needs are, by Mecke's formula, the rate
    at which needs open times what one extra need, opened uniformly in time, would bring; each rollout has one.
    """
    people = pl.Series(world.users.user_id[~world.users.bot])
    asked = rows.select(_KEYS).filter(pl.col(USER_ID).is_in(people.implode())).unique().sort(_KEYS)
    p_later, p_error = np.zeros((2, rows.height))
    exposure, exposure_error = np.zeros((2, rows.height, world.dataset.needs.max_visits))
    if asked.is_empty():
        return Estimate(p_later, p_error, exposure, exposure_error)
    open_needs = find_open_needs(asked, truth, visits, events, world=world)
    numbered = rows.with_row_index(ROW).join(asked.with_row_index(POINT), on=_KEYS, maintain_order="left")
    wanted = _wanted(numbered, open_needs, world)
    points = _points(asked, wanted, events, target, world.rhythm)
    results = list(_results(points, open_needs, wanted, world=world, target=target))
    for result in results:
        p_later[result.row], p_error[result.row] = result.p_later, result.p_error
    not_now = np.ones(rows.height)
    np.multiply.at(not_now, wanted[ROW].to_numpy(), 1.0 - wanted[_NOW].to_numpy())
    row, point = numbered[ROW].to_numpy(), numbered[POINT].to_numpy()
    exposure[row] = np.concatenate([result.exposure for result in results])[point]
    exposure_error[row] = np.concatenate([result.exposure_error for result in results])[point]
    return Estimate(1.0 - not_now + p_later, p_error, exposure, exposure_error)


def _wanted(rows: pl.DataFrame, open_needs: OpenNeeds, world: World) -> pl.DataFrame:
    """Return each row with each open need that can end in its purchase.

    `share` is the probability that a purchase for the need is of the item, `now` that the visit which has begun ends in
    its purchase.
    """
    need = np.arange(len(open_needs.point))
    if ITEM_ID not in rows.columns:
        of_needs = pl.DataFrame({POINT: open_needs.point, NEED: need, _NOW: open_needs.now.sum(axis=1)}).with_columns(
            pl.lit(ANY_ITEM, pl.Int64).alias(ITEM), pl.lit(1.0).alias(SHARE)
        )
        return rows.select(ROW, pl.col(POINT).cast(pl.Int64)).join(of_needs, on=POINT, maintain_order="left_right")
    of_items = pl.DataFrame(
        {
            POINT: np.repeat(open_needs.point, LARGEST_SET),
            NEED: np.repeat(need, LARGEST_SET),
            ITEM: open_needs.items.ravel(),
            SHARE: open_needs.shares.ravel(),
            _NOW: open_needs.now.ravel(),
        }
    ).filter(pl.col(ITEM) != NO_ITEM)
    item = pl.Series(ITEM, world.shop.find(rows[ITEM_ID]))
    return rows.select(ROW, pl.col(POINT).cast(pl.Int64), item).join(
        of_items, on=[POINT, ITEM], maintain_order="left_right"
    )


def _points(
    asked: pl.DataFrame, wanted: pl.DataFrame, events: pl.DataFrame, target: SessionTarget, rhythm: Rhythm
) -> PredictionPoints:
    """Return the prediction points, with the latest event before each, and how many rollouts each gets."""
    latest = last(_LATEST, TIMESTAMP)
    seen = window_features(asked.lazy(), events.lazy(), by=USER_ID, aggregates=[latest]).collect()
    clock = since_start(seen[PREDICTION_TIME], rhythm)
    # Without an event before T the next one begins the first session, as it does after a long silence.
    silent = clock - target.gap - 1
    counts = np.zeros(len(clock), dtype=bool)
    counts[wanted[POINT].to_numpy()] = True
    return PredictionPoints(
        user=seen[USER_ID].to_numpy() - 1,
        clock=clock,
        end=seen[END].to_numpy(),
        latest=np.where(seen[_LATEST].is_null(), silent, since_start(seen[_LATEST].fill_null(rhythm.origin), rhythm)),
        rollouts=np.where(counts, target.rollouts, -(-target.rollouts // FEWER)),
    )


def _results(
    points: PredictionPoints, open_needs: OpenNeeds, wanted: pl.DataFrame, /, *, world: World, target: SessionTarget
) -> Iterator[RolloutResult]:
    """Yield the results of the points, for as many at a time as have about `ROLLOUTS_AT_ONCE` rollouts."""
    lengths = measure_visits(world, generator(world.dataset, Stream.ROLLOUTS))
    group = np.cumsum(points.rollouts) // ROLLOUTS_AT_ONCE
    edges = np.flatnonzero(np.diff(group, prepend=-1, append=-1))
    for number, (first, beyond) in enumerate(pairwise(edges.tolist()), start=1):
        needs = pl.col(NEED) - int(np.searchsorted(open_needs.point, first))
        yield count_rollouts(
            take(points, slice(first, beyond)),
            open_needs.between(first, beyond),
            wanted.filter(pl.col(POINT).is_between(first, beyond, closed="left")).with_columns(
                pl.col(POINT) - first, needs
            ),
            world=world,
            target=target,
            lengths=lengths,
            draws=generator(world.dataset, Stream.ROLLOUTS, number),
        )
