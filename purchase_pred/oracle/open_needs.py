"""The needs that are open at moments of users, and what the visits under way may come to, item by item."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from purchase_pred.oracle.latent_state import AT, NEED, by_rank, open_pairs, repeats, sight, since_start, stand
from purchase_pred.oracle.visit_posterior import weigh
from purchase_pred.simulation.arrays import take
from purchase_pred.simulation.needs import LARGEST_SET, NO_ITEM
from purchase_pred.simulation.truth import ITEMS, READY_AT, SHARES

if TYPE_CHECKING:
    import polars as pl

    from purchase_pred.oracle.closed_form import OpenNeeds
    from purchase_pred.oracle.latent_state import VisitTimes
    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.arrays import Bools, Floats, Ints
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop


@dataclass(frozen=True)
class Pending:
    """Needs that are open at points in time; all arrays are of one length."""

    point: Ints
    """Position of the point among those asked about."""
    needs: OpenNeeds
    items: Ints
    """Positions in the shop by rank, the favourite first, `NO_ITEM` beyond the set; by (need, rank)."""
    shares: Floats
    repeat: Bools
    ready: Floats
    """Activity day from which the need is visited for."""
    now: Floats
    """Chance that the visit under way ends in the purchase of each item, 0 without one; by (need, rank)."""
    lives: Floats
    """Chance that the need outlives the visit under way, 1 without one."""

    def between(self, first: int, last: int) -> Pending:
        """Return the needs of the points from `first` up to before `last`, which are counted from 0 again."""
        rows = slice(*np.searchsorted(self.point, (first, last)))
        taken = take(self, rows)
        return replace(taken, point=taken.point - first)


def pending_needs(
    points: pl.DataFrame,
    truth: pl.DataFrame,
    visits: VisitTimes,
    /,
    *,
    shop: Shop,
    rhythm: Rhythm,
    dataset: DatasetSettings,
    events: pl.DataFrame,
) -> Pending:
    """Return the needs that are open at each point (`user_id`, `prediction_time`, `end`), by point.

    The other parameters are those of `chance_of_none`.
    """
    pairs = open_pairs(points, truth)
    of_need = truth[pairs[NEED].to_numpy()]
    needs, begun = stand(pairs, of_need, visits, shop=shop, rhythm=rhythm)
    items = by_rank(of_need[ITEMS], NO_ITEM, shop=shop)
    now, lives = np.zeros(items.shape), np.ones(len(items))
    rows = np.flatnonzero(needs.within)
    if len(rows):
        laws: dict[str, Any] = {"shop": shop, "rhythm": rhythm, "dataset": dataset}
        mind, glance = sight(pairs[rows], of_need[rows], take(needs, rows), begun[rows], events, **laws)
        for rank in range(LARGEST_SET):
            now[rows, rank], lives[rows] = weigh(
                mind, glance, wanted=mind.items[:, rank], shop=shop, settings=dataset.visits
            )
    return Pending(
        point=pairs[AT].to_numpy(),
        needs=needs,
        items=items,
        shares=by_rank(of_need[SHARES], 0.0),
        repeat=repeats(of_need),
        ready=rhythm.activity_at(since_start(of_need[READY_AT], rhythm)),
        now=now,
        lives=lives,
    )
