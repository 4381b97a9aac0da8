"""The race of a user's visits for the next sessions, run in drawn futures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.oracle.rollouts import NO_NEED, draw_ahead, draw_lengths, draw_newcomers
from purchase_pred.simulation.needs import NO_ITEM

if TYPE_CHECKING:
    from purchase_pred.oracle.open_needs import Pending
    from purchase_pred.oracle.rollouts import Ahead, Lengths, Points, World
    from purchase_pred.simulation.arrays import Bools, Floats, Ints

ROW: Final = "row"
POINT: Final = "point"
NEED: Final = "need"
ITEM: Final = "item"
ANY_ITEM: Final = 0
"""Stands for every item where the purchase of any counts."""
SHARE: Final = "share"
_FUTURE: Final = "future"
_START: Final = "start"
_CHANCE: Final = "chance"
_FIRST: Final = "first"


@dataclass(frozen=True)
class Race:
    """What is asked of the futures."""

    sessions: int
    """How many sessions count after that of the latest event before T, of which what is left counts too."""
    gap: int
    """The inactivity threshold in microseconds, longer than any silence within a visit."""
    futures: int
    """How many futures are drawn for each user and T at which a need is open that counts."""
    anything: bool
    """The purchase of any item counts."""
    pace: Floats
    """Visits per activity day of a journey, by persona."""


@dataclass(frozen=True)
class Leg:
    """What the futures of some points bring."""

    row: Ints
    later: Floats
    """Mean chance of a purchase that counts in a visit after T, by entry of `row`; 0 for other rows."""
    error: Floats
    time_left: Floats
    """Activity days in which a journey can open whose visit falls into the sessions, on average; by (point, visit)."""
    time_error: Floats


def run_race(
    points: Points,
    pending: Pending,
    wanted: pl.DataFrame,
    /,
    *,
    world: World,
    race: Race,
    lengths: Lengths,
    draws: np.random.Generator,
) -> Leg:
    """Draw the futures of points, count their sessions, and sum up what falls into those that count.

    `wanted` has one line for each row and each need that can do for it: `row`, `point`, `need`, `item` and `share`.
    """
    ahead = draw_ahead(points, pending, world=world, lengths=lengths, draws=draws)
    most = world.dataset.needs.max_visits
    future, visit, start, span = draw_newcomers(points, pace=race.pace, most=most, world=world, draws=draws)
    end = start + draw_lengths(len(start), lengths.needed, draws)
    latest = np.repeat(points.latest, points.futures)
    counts = session_numbers(ahead.future, ahead.start, ahead.end, latest, gap=race.gap) <= race.sessions
    joined = session_numbers(
        np.concatenate((ahead.future, future)),
        np.concatenate((ahead.start, start)),
        np.concatenate((ahead.end, end)),
        latest,
        gap=race.gap,
    )
    joins = joined[len(ahead.start) :] <= race.sessions
    bought = _first_purchases(ahead, anything=race.anything)
    if race.anything:
        first = np.full(len(latest), np.iinfo(np.int64).max)
        first[bought[_FUTURE].to_numpy()] = bought[_FIRST].to_numpy()
        joins &= start <= first[future]
    point = np.repeat(np.arange(len(points.futures)), points.futures)
    cell = point[future] * most + visit
    hits = np.bincount(cell, weights=joins, minlength=len(points.futures) * most)
    share = hits.reshape(-1, most) / points.futures[:, None]
    # With one hit and one miss more, an error is seen even where all futures agree.
    unsure = (hits.reshape(-1, most) + 1.0) / (points.futures[:, None] + 2.0)
    row, later, error = _later(_terms(ahead, counts, wanted, bought), wanted, points.futures)
    error_of_share = np.sqrt(unsure * (1.0 - unsure) / points.futures[:, None])
    return Leg(row, later, error, span[:, None] * share, span[:, None] * error_of_share)


def session_numbers(future: Ints, start: Ints, end: Ints, latest: Ints, /, *, gap: int) -> Ints:
    """Return the session that each visit falls into: 0 that of the latest event before T, 1 the next, ...

    Parameters
    ----------
    future, start, end
        Of each visit its future, and its first and last click, in microseconds; in any order.
    latest
        The latest event before T, by future.
    gap
        The longest silence within a session.

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
    who = np.concatenate((np.arange(size), future))
    begin, last = np.concatenate((latest, start)), np.concatenate((latest, end))
    order = np.lexsort((begin, who))
    who, begin, last = who[order], begin[order], last[order]
    # One running maximum serves all futures, since each is moved beyond the one before.
    shift = who * (last.max(initial=0) - begin.min(initial=0) + 1)
    reach = np.maximum.accumulate(last + shift) - shift
    starts = np.zeros(len(who), dtype=np.int64)
    starts[1:] = (who[1:] == who[:-1]) & (begin[1:] - reach[:-1] > gap)
    count = np.cumsum(starts)
    count -= count[np.searchsorted(who, who)]
    number = np.empty_like(count)
    number[order] = count
    return number[size:]


def _first_purchases(ahead: Ahead, /, *, anything: bool) -> pl.DataFrame:
    """Return the start of the first visit with a purchase by future and item; of one item, by the open needs."""
    rows = np.flatnonzero((ahead.item != NO_ITEM) & (anything | (ahead.need != NO_NEED)))
    item = np.full(len(rows), ANY_ITEM) if anything else ahead.item[rows]
    visits = pl.DataFrame({_FUTURE: ahead.future[rows], ITEM: item, _FIRST: ahead.start[rows]})
    return visits.group_by(_FUTURE, ITEM).agg(pl.col(_FIRST).min())


def _terms(ahead: Ahead, counts: Bools, wanted: pl.DataFrame, bought: pl.DataFrame) -> pl.DataFrame:
    """Return the chance of a purchase that counts by row, future and visit, unless there was one before."""
    rows = np.flatnonzero(counts & (ahead.need != NO_NEED))
    visits = pl.DataFrame(
        {
            _FUTURE: ahead.future[rows],
            NEED: ahead.need[rows],
            _START: ahead.start[rows],
            _CHANCE: ahead.chance[rows],
        }
    )
    return (
        visits.join(wanted, on=NEED, maintain_order="left_right")
        .join(bought, on=[_FUTURE, ITEM], how="left", maintain_order="left")
        .filter(pl.col(_FIRST).is_null() | (pl.col(_START) <= pl.col(_FIRST)))
        .select(ROW, _FUTURE, pl.col(_CHANCE) * pl.col(SHARE))
    )


def _later(terms: pl.DataFrame, wanted: pl.DataFrame, futures: Ints) -> tuple[Ints, Floats, Floats]:
    """Return rows, and for each of them mean and standard error of the sums over futures."""
    row, first = np.unique(wanted[ROW].to_numpy(), return_index=True)
    size = futures[wanted[POINT].to_numpy()[first]]
    at = np.searchsorted(row, terms[ROW].to_numpy())
    both = at * int(futures.sum()) + terms[_FUTURE].to_numpy()
    cell, place = np.unique(both, return_inverse=True)
    of_future = np.bincount(place, weights=terms[_CHANCE].to_numpy(), minlength=len(cell))
    of_row = cell // int(futures.sum())
    mean = np.bincount(of_row, weights=of_future, minlength=len(row)) / size
    square = np.bincount(of_row, weights=of_future**2, minlength=len(row)) / size
    return row, mean, np.sqrt(np.maximum(square - mean**2, 0.0) / size)
