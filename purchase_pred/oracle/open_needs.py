"""The needs that are open at prediction times, and what the visits that have begun may end in, item by item."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from purchase_pred.oracle.latent_state import (
    AT,
    NEED,
    by_rank,
    need_state,
    open_pairs,
    repeats,
    since_start,
    visits_begun,
)
from purchase_pred.oracle.visit_posterior import visit_posterior
from purchase_pred.simulation.arrays import take
from purchase_pred.simulation.needs import LARGEST_SET, NO_ITEM
from purchase_pred.simulation.truth import ITEMS, READY_AT, SHARES

if TYPE_CHECKING:
    import polars as pl

    from purchase_pred.oracle.closed_form import NeedState
    from purchase_pred.oracle.latent_state import VisitTimes
    from purchase_pred.oracle.world import World
    from purchase_pred.simulation.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class OpenNeeds:
    """Pairs of a prediction point and a need that is open then; all arrays are of one length."""

    point: Ints
    """Position of the prediction point among those asked about."""
    state: NeedState
    items: Ints
    """Positions in the shop by rank, the favourite first, `NO_ITEM` beyond the set; by (need, rank)."""
    shares: Floats
    """Probability of each item of the set, given that something is bought."""
    repeat: Bools
    """The need is for another of a consumable."""
    ready: Floats
    """Activity day from which visits for the need can begin."""
    now: Floats
    """P(the visit that has begun ends in the purchase of each item), 0 without such a visit; by (need, rank)."""
    alive: Floats
    """P(the need is alive after the visit that has begun), 1 without such a visit."""

    def between(self, first: int, last: int) -> OpenNeeds:
        """Return the needs of the points in [first, last), with these points counted from 0."""
        rows = slice(*np.searchsorted(self.point, (first, last)))
        taken = take(self, rows)
        return replace(taken, point=taken.point - first)


def find_open_needs(
    points: pl.DataFrame, truth: pl.DataFrame, visits: VisitTimes, events: pl.DataFrame, /, *, world: World
) -> OpenNeeds:
    """Return the needs that are open at each point (`user_id`, `prediction_time`, `end`), in the order of the points.

    The other parameters are those of `no_purchase_probability`.
    """
    pairs = open_pairs(points, truth)
    of_need = truth[pairs[NEED].to_numpy()]
    needs, begun = need_state(pairs, of_need, visits, world=world)
    items = by_rank(of_need[ITEMS], NO_ITEM, shop=world.shop)
    now, alive = np.zeros(items.shape), np.ones(len(items))
    rows = np.flatnonzero(needs.within)
    if len(rows):
        state, view = visits_begun(pairs[rows], of_need[rows], take(needs, rows), begun[rows], events, world=world)
        for rank in range(LARGEST_SET):
            now[rows, rank], alive[rows] = visit_posterior(
                state, view, wanted=state.items[:, rank], shop=world.shop, settings=world.dataset.visits
            )
    return OpenNeeds(
        point=pairs[AT].to_numpy(),
        state=needs,
        items=items,
        shares=by_rank(of_need[SHARES], 0.0),
        repeat=repeats(of_need),
        ready=world.rhythm.activity_at(since_start(of_need[READY_AT], world.rhythm)),
        now=now,
        alive=alive,
    )
