"""The chance of a purchase within the next so many sessions: a race of visits, counted in drawn futures."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from purchase_pred.oracle.latent_state import END, since_start
from purchase_pred.oracle.open_needs import pending_needs
from purchase_pred.oracle.rollouts import Points, World, measure_visits
from purchase_pred.oracle.session_counts import ANY_ITEM, ITEM, NEED, POINT, ROW, SHARE, Leg, Race, run_race
from purchase_pred.schema import ITEM_ID, PREDICTION_TIME, TIMESTAMP, USER_ID
from purchase_pred.simulation.arrays import take
from purchase_pred.simulation.needs import LARGEST_SET, NO_ITEM
from purchase_pred.simulation.streams import Stream, generator
from purchase_pred.windows import last, window_features

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purchase_pred.oracle.latent_state import VisitTimes
    from purchase_pred.oracle.open_needs import Pending
    from purchase_pred.simulation.arrays import Floats
    from purchase_pred.simulation.rhythm import Rhythm

FUTURES_AT_ONCE: Final = 50_000
"""Futures that are drawn at a time, to bound the memory."""
FEWER: Final = 4
"""Where no open need counts, so many times fewer futures are drawn."""
_KEYS: Final = [USER_ID, PREDICTION_TIME, END]
_NOW: Final = "now"
_LATEST: Final = "latest"


@dataclass(frozen=True)
class Reach:
    """What can be reached within the sessions; arrays by row."""

    known: Floats
    """Chance of a purchase that counts from the needs that are open at T."""
    error: Floats
    """Its standard error."""
    time_left: Floats
    """Activity days in which a journey can open whose visit falls into the sessions, on average; by (row, visit)."""
    time_error: Floats
    """Its standard error."""


def reach_within(
    rows: pl.DataFrame,
    truth: pl.DataFrame,
    visits: VisitTimes,
    events: pl.DataFrame,
    /,
    *,
    world: World,
    race: Race,
) -> Reach:
    """Return what can be reached within the user's next sessions, for each row.

    Parameters
    ----------
    rows
        `user_id`, `prediction_time`, `end` (microseconds until which visits may begin) and, where only the purchase of
        one item counts, `item_id`.
    truth, visits, events
        The truth, the visits in it, and the log.
    world, race
        The laws of the world, and what is asked.

    Notes
    -----
    Summed over the visits of a future is not whether they end in a purchase that counts but the chance that they do,
    as long as nothing that counts was bought before: the mean is the same, and its error smaller. What needs to come
    take from the sessions is drawn with all else. What they bring is (by Mecke's formula) the rate at which they open
    times what one need more would bring that opens at random, and one is drawn for each future.
    """
    people = pl.Series(world.users.user_id[~world.users.bot])
    moments = rows.select(_KEYS).filter(pl.col(USER_ID).is_in(people.implode())).unique().sort(_KEYS)
    known, error = np.zeros((2, rows.height))
    time_left, time_error = np.zeros((2, rows.height, world.dataset.needs.max_visits))
    if moments.is_empty():
        return Reach(known, error, time_left, time_error)
    laws: dict[str, Any] = {"shop": world.shop, "rhythm": world.rhythm, "dataset": world.dataset}
    pending = pending_needs(moments, truth, visits, events=events, **laws)
    numbered = rows.with_row_index(ROW).join(moments.with_row_index(POINT), on=_KEYS, maintain_order="left")
    wanted = _wanted(numbered, pending, world)
    points = _points(moments, wanted, events, race, world.rhythm)
    legs = list(_legs(points, pending, wanted, world=world, race=race))
    for leg in legs:
        known[leg.row], error[leg.row] = leg.later, leg.error
    now = np.ones(rows.height)
    np.multiply.at(now, wanted[ROW].to_numpy(), 1.0 - wanted[_NOW].to_numpy())
    row, point = numbered[ROW].to_numpy(), numbered[POINT].to_numpy()
    time_left[row] = np.concatenate([leg.time_left for leg in legs])[point]
    time_error[row] = np.concatenate([leg.time_error for leg in legs])[point]
    return Reach(1.0 - now + known, error, time_left, time_error)


def _wanted(rows: pl.DataFrame, pending: Pending, world: World) -> pl.DataFrame:
    """Return each row with each open need that could do: the item, its share, and the chance that it is bought now."""
    need = np.arange(len(pending.point))
    if ITEM_ID not in rows.columns:
        of_needs = pl.DataFrame({POINT: pending.point, NEED: need, _NOW: pending.now.sum(axis=1)}).with_columns(
            pl.lit(ANY_ITEM, pl.Int64).alias(ITEM), pl.lit(1.0).alias(SHARE)
        )
        return rows.select(ROW, pl.col(POINT).cast(pl.Int64)).join(of_needs, on=POINT, maintain_order="left_right")
    of_items = pl.DataFrame(
        {
            POINT: np.repeat(pending.point, LARGEST_SET),
            NEED: np.repeat(need, LARGEST_SET),
            ITEM: pending.items.ravel(),
            SHARE: pending.shares.ravel(),
            _NOW: pending.now.ravel(),
        }
    ).filter(pl.col(ITEM) != NO_ITEM)
    item = pl.Series(ITEM, world.shop.find(rows[ITEM_ID]))
    return rows.select(ROW, pl.col(POINT).cast(pl.Int64), item).join(
        of_items, on=[POINT, ITEM], maintain_order="left_right"
    )


def _points(moments: pl.DataFrame, wanted: pl.DataFrame, events: pl.DataFrame, race: Race, rhythm: Rhythm) -> Points:
    """Return the moments with the latest event before each, and with how many futures each is worth."""
    latest = last(_LATEST, TIMESTAMP)
    seen = window_features(moments.lazy(), events.lazy(), by=USER_ID, aggregates=[latest]).collect()
    clock = since_start(seen[PREDICTION_TIME], rhythm)
    # Without an event before T the next one begins the first session, as it does after a long silence.
    silent = clock - race.gap - 1
    counts = np.zeros(len(clock), dtype=bool)
    counts[wanted[POINT].to_numpy()] = True
    return Points(
        user=seen[USER_ID].to_numpy() - 1,
        clock=clock,
        end=seen[END].to_numpy(),
        latest=np.where(seen[_LATEST].is_null(), silent, since_start(seen[_LATEST].fill_null(rhythm.origin), rhythm)),
        futures=np.where(counts, race.futures, -(-race.futures // FEWER)),
    )


def _legs(points: Points, pending: Pending, wanted: pl.DataFrame, /, *, world: World, race: Race) -> Iterator[Leg]:
    """Yield what the points bring, so many points at a time as have about `FUTURES_AT_ONCE` futures."""
    lengths = measure_visits(world, generator(world.dataset, Stream.FUTURES))
    group = np.cumsum(points.futures) // FUTURES_AT_ONCE
    edges = np.flatnonzero(np.diff(group, prepend=-1, append=-1))
    for number, (first, beyond) in enumerate(pairwise(edges.tolist()), start=1):
        needs = pl.col(NEED) - int(np.searchsorted(pending.point, first))
        yield run_race(
            take(points, slice(first, beyond)),
            pending.between(first, beyond),
            wanted.filter(pl.col(POINT).is_between(first, beyond, closed="left")).with_columns(
                pl.col(POINT) - first, needs
            ),
            world=world,
            race=race,
            lengths=lengths,
            draws=generator(world.dataset, Stream.FUTURES, number),
        )
