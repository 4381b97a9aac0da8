"""Which visits of rollouts fall into the next sessions, and what they say of the purchases within them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.oracle.rollouts import NO_NEED, draw_extra_journeys, draw_lengths, draw_rollouts
from purchase_pred.simulation.needs import NO_ITEM

if TYPE_CHECKING:
    from purchase_pred.oracle.open_needs import OpenNeeds
    from purchase_pred.oracle.rollouts import PredictionPoints, RolloutVisits, VisitLengths
    from purchase_pred.oracle.world import World
    from purchase_pred.simulation.arrays import Bools, Floats, Ints

ROW: Final = "row"
POINT: Final = "point"
NEED: Final = "need"
ITEM: Final = "item"
ANY_ITEM: Final = 0
"""In place of the item where the purchase of any item counts."""
SHARE: Final = "share"
_ROLLOUT: Final = "rollout"
_START: Final = "start"
_CHANCE: Final = "chance"
_FIRST: Final = "first"


@dataclass(frozen=True)
class SessionTarget:
    """The target that the rollouts are drawn for."""

    sessions: int
    """Purchases count in so many sessions after that of the latest event before T, and in the rest of that one."""
    gap: int
    """The inactivity threshold in microseconds, longer than any silence within a visit."""
    rollouts: int
    """How many rollouts are drawn for each user and T with an open need that can end in a purchase that counts."""
    anything: bool
    """The purchase of any item counts."""
    pace: Floats
    """Visits per activity day of a journey, by persona."""


@dataclass(frozen=True)
class RolloutResult:
    """Means over the rollouts of some prediction points."""

    row: Ints
    """The rows asked about that have an open need which can end in a purchase that counts."""
    p_later: Floats
    """Probability of a purchase that counts, for an open need in a visit after T, by entry of `row`."""
    p_error: Floats
    """Its standard error."""
    exposure: Floats
    """Mean activity days in which a journey can open whose visit falls into the sessions; by (point, visit)."""
    exposure_error: Floats
    """Its standard error."""


def count_rollouts(
    points: PredictionPoints,
    open_needs: OpenNeeds,
    wanted: pl.DataFrame,
    /,
    *,
    world: World,
    target: SessionTarget,
    lengths: VisitLengths,
    draws: np.random.Generator,
) -> RolloutResult:
    """Draw the rollouts of points, count their sessions, and average over them what falls into those that count.

    `wanted` has one line for each row and each open need that can end in its purchase: `row`, `point`, `need`, `item`
    and `share`, the probability that a purchase for the need is of the item.
    """
    visits = draw_rollouts(points, open_needs, world=world, lengths=lengths, draws=draws)
    most = world.dataset.needs.max_visits
    rollout, number, start, span = draw_extra_journeys(points, pace=target.pace, most=most, world=world, draws=draws)
    end = start + draw_lengths(len(start), lengths.needed, draws)
    latest = np.repeat(points.latest, points.rollouts)
    counts = session_numbers(visits.rollout, visits.start, visits.end, latest, gap=target.gap) <= target.sessions
    joined = session_numbers(
        np.concatenate((visits.rollout, rollout)),
        np.concatenate((visits.start, start)),
        np.concatenate((visits.end, end)),
        latest,
        gap=target.gap,
    )
    joins = joined[len(visits.start) :] <= target.sessions
    bought = _first_purchases(visits, anything=target.anything)
    if target.anything:
        first = np.full(len(latest), np.iinfo(np.int64).max)
        first[bought[_ROLLOUT].to_numpy()] = bought[_FIRST].to_numpy()
        joins &= start <= first[rollout]
    point = np.repeat(np.arange(len(points.rollouts)), points.rollouts)
    cell = point[rollout] * most + number
    hits = np.bincount(cell, weights=joins, minlength=len(points.rollouts) * most)
    share = hits.reshape(-1, most) / points.rollouts[:, None]
    # One hit and one miss are added, so that the error is above 0 even where all rollouts agree.
    unsure = (hits.reshape(-1, most) + 1.0) / (points.rollouts[:, None] + 2.0)
    row, later, error = _later(_terms(visits, counts, wanted, bought), wanted, points.rollouts)
    error_of_share = np.sqrt(unsure * (1.0 - unsure) / points.rollouts[:, None])
    return RolloutResult(row, later, error, span[:, None] * share, span[:, None] * error_of_share)


def session_numbers(rollout: Ints, start: Ints, end: Ints, latest: Ints, /, *, gap: int) -> Ints:
    """Return the number of the session that each visit falls into: 0 for that of the latest event before T, 1, 2, ...

    Parameters
    ----------
    rollout, start, end
        The rollout, first click and last click (microseconds) of each visit; in any order.
    latest
        The latest event before T, by rollout.
    gap
        The inactivity threshold of sessions, in microseconds.

    Examples
    --------
    >>> import numpy as np
    >>> visits = (np.array([0, 0, 0]), np.array([70, 20, 40]), np.array([75, 60, 45]))
    >>> session_numbers(*visits, np.array([0]), gap=15).tolist()
    [1, 1, 1]
    >>> session_numbers(*visits, np.array([0]), gap=9).tolist()
    [2, 1, 1]
    """
    size = len(latest)
    who = np.concatenate((np.arange(size), rollout))
    begin, last = np.concatenate((latest, start)), np.concatenate((latest, end))
    order = np.lexsort((begin, who))
    who, begin, last = who[order], begin[order], last[order]
    # Each rollout is shifted past the one before, so that one running maximum serves all of them.
    shift = who * (last.max(initial=0) - begin.min(initial=0) + 1)
    reach = np.maximum.accumulate(last + shift) - shift
    starts = np.zeros(len(who), dtype=np.int64)
    starts[1:] = (who[1:] == who[:-1]) & (begin[1:] - reach[:-1] > gap)
    count = np.cumsum(starts)
    count -= count[np.searchsorted(who, who)]
    number = np.empty_like(count)
    number[order] = count
    return number[size:]


def _first_purchases(visits: RolloutVisits, /, *, anything: bool) -> pl.DataFrame:
    """Return by rollout and item the start of the first purchase: of any item, or of each item for open needs alone."""
    rows = np.flatnonzero((visits.item != NO_ITEM) & (anything | (visits.need != NO_NEED)))
    item = np.full(len(rows), ANY_ITEM) if anything else visits.item[rows]
    bought = pl.DataFrame({_ROLLOUT: visits.rollout[rows], ITEM: item, _FIRST: visits.start[rows]})
    return bought.group_by(_ROLLOUT, ITEM).agg(pl.col(_FIRST).min())


def _terms(visits: RolloutVisits, counts: Bools, wanted: pl.DataFrame, bought: pl.DataFrame) -> pl.DataFrame:
    """Return the probability of a purchase that counts by row, rollout and visit, up to the first purchase drawn."""
    rows = np.flatnonzero(counts & (visits.need != NO_NEED))
    terms = pl.DataFrame(
        {
            _ROLLOUT: visits.rollout[rows],
            NEED: visits.need[rows],
            _START: visits.start[rows],
            _CHANCE: visits.chance[rows],
        }
    )
    return (
        terms.join(wanted, on=NEED, maintain_order="left_right")
        .join(bought, on=[_ROLLOUT, ITEM], how="left", maintain_order="left")
        .filter(pl.col(_FIRST).is_null() | (pl.col(_START) <= pl.col(_FIRST)))
        .select(ROW, _ROLLOUT, pl.col(_CHANCE) * pl.col(SHARE))
    )


def _later(terms: pl.DataFrame, wanted: pl.DataFrame, rollouts: Ints) -> tuple[Ints, Floats, Floats]:
    """Return rows, and for each of them mean and standard error of the sums over rollouts."""
    row, first = np.unique(wanted[ROW].to_numpy(), return_index=True)
    size = rollouts[wanted[POINT].to_numpy()[first]]
    at = np.searchsorted(row, terms[ROW].to_numpy())
    both = at * int(rollouts.sum()) + terms[_ROLLOUT].to_numpy()
    cell, place = np.unique(both, return_inverse=True)
    of_rollout = np.bincount(place, weights=terms[_CHANCE].to_numpy(), minlength=len(cell))
    of_row = cell // int(rollouts.sum())
    mean = np.bincount(of_row, weights=of_rollout, minlength=len(row)) / size
    square = np.bincount(of_row, weights=of_rollout**2, minlength=len(row)) / size
    return row, mean, np.sqrt(np.maximum(square - mean**2, 0.0) / size)
