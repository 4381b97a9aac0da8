"""The truth behind the log: every need with its latent traits and its visits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.schema import EVENT_TYPES, REMOVE_FROM_CART, TIME_DTYPE, USER_ID
from purchase_pred.simulation.clicks import US_PER_MS, US_PER_SECOND
from purchase_pred.simulation.needs import NO_ITEM, NO_VISIT, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.simulation.arrays import Bools, Ints
    from purchase_pred.simulation.block import Block
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop

NEED_ID: Final = "need_id"
KIND: Final = "kind"
OPENED_AT: Final = "opened_at"
READY_AT: Final = "ready_at"
ENDED_AT: Final = "ended_at"
FADED: Final = "faded"
CARTED_AT: Final = "carted_at"
VISIT_AT: Final = "visit_at"
DECIDED_AT: Final = "decided_at"
ITEMS: Final = "items"
SHARES: Final = "shares"
INTENT: Final = "intent"
SENSITIVITY: Final = "sensitivity"
CART_INTENT: Final = "cart_intent"
PACE: Final = "pace"
ABANDONMENT: Final = "abandonment"
MAX_VISITS: Final = "max_visits"

_REMOVE: Final = EVENT_TYPES.index(REMOVE_FROM_CART)

TRUTH: Final[Mapping[str, pl.DataType]] = {
    NEED_ID: pl.UInt64(),
    USER_ID: pl.Int64(),
    KIND: pl.Enum([kind.name.lower() for kind in Kind]),
    OPENED_AT: TIME_DTYPE,
    READY_AT: TIME_DTYPE,
    ENDED_AT: TIME_DTYPE,
    FADED: pl.Boolean(),
    CARTED_AT: TIME_DTYPE,
    VISIT_AT: pl.List(TIME_DTYPE),
    DECIDED_AT: pl.List(TIME_DTYPE),
    ITEMS: pl.List(pl.Int64()),
    SHARES: pl.List(pl.Float64()),
    INTENT: pl.Float64(),
    SENSITIVITY: pl.Float64(),
    CART_INTENT: pl.Float64(),
    PACE: pl.Float64(),
    ABANDONMENT: pl.Float64(),
    MAX_VISITS: pl.UInt8(),
}
"""Columns of the truth, one row per need, by (`user_id`, `opened_at`).

The need is open from `opened_at` to `ended_at`, which is null if it is still open at the end; visits for it can begin
from `ready_at` on. `faded` says that it was given up without a sign in the log: nothing was bought, the last click took
nothing out of the cart, and more visits could have come. `visit_at` is the first click of each visit; `decided_at` is
its purchase or, without one, one second after the dwell time of its last click: until then the visit could have gone
on. `carted_at` is the start of the visit in which something is put into the cart, since that is settled when the visit
begins. `shares` are the probabilities of `items` (the favourite first) given a purchase. `intent` and `cart_intent` are
log-odds at the first visit, `sensitivity` is the effect of -log(1 - discount) on `intent`, `pace` is in visits per
activity day, and `abandonment` is the probability that the need is given up after a visit without a purchase.
"""


def truth_of(block: Block, shop: Shop, rhythm: Rhythm, /, *, known: int) -> pl.DataFrame:
    """Return the truth about a block of users in the columns of `TRUTH`; `need_id` counts from `known`."""
    needs = block.needs
    size = (needs.items != NO_ITEM).sum(axis=1)
    items = pl.Series(ITEMS, np.where(needs.items != NO_ITEM, shop.item_id[needs.items], 0))
    frame = pl.DataFrame(
        {
            "need": np.arange(len(needs.user)),
            USER_ID: block.users.user_id[needs.user],
            KIND: pl.Series(needs.kind.astype(np.uint8)).cat.to(TRUTH[KIND]),
            OPENED_AT: _opened(block, rhythm),
            READY_AT: rhythm.clock_at(needs.ready),
            "size": size,
            ITEMS: items.arr.to_list(),
            SHARES: pl.Series(SHARES, needs.shares).arr.to_list(),
            INTENT: needs.intent,
            SENSITIVITY: needs.sensitivity,
            CART_INTENT: needs.cart_intent,
            PACE: needs.pace,
            ABANDONMENT: needs.abandonment,
            MAX_VISITS: needs.max_visits.astype(np.uint8),
        }
    )
    times = (OPENED_AT, READY_AT, ENDED_AT, CARTED_AT)
    return (
        frame.join(_visit_lists(block), on="need", how="left", maintain_order="left")
        .sort(USER_ID, OPENED_AT, "need")
        .with_columns(
            pl.int_range(known, known + pl.len(), dtype=pl.UInt64).alias(NEED_ID),
            pl.col(ITEMS, SHARES).list.head(pl.col("size")),
            *(_moment(pl.col(name), rhythm).alias(name) for name in times),
            *(
                pl.col(name).list.eval(_moment(pl.element(), rhythm)).fill_null([]).alias(name)
                for name in (VISIT_AT, DECIDED_AT)
            ),
            pl.col(FADED).fill_null(value=False),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in TRUTH.items())
    )


def _opened(block: Block, rhythm: Rhythm) -> Ints:
    """Return when needs open: with their first visit, in whole milliseconds as clicks are, or with a purchase."""
    needs = block.needs
    opened = rhythm.clock_at(needs.opened) // US_PER_MS * US_PER_MS
    again = np.flatnonzero(needs.origin != NO_VISIT)
    opened[again] = _click_times(block)[1][needs.origin[again]]
    return opened


def _visit_lists(block: Block) -> pl.DataFrame:
    """Return one row per need that was visited for: when, when each visit was decided, and how it ended."""
    visits = block.visits
    first, decided = _click_times(block)
    return (
        pl.DataFrame(
            {
                "need": visits.need,
                "number": visits.number,
                VISIT_AT: first,
                DECIDED_AT: decided,
                "carted": visits.carted,
                "over": visits.over,
                FADED: _faded(block),
            }
        )
        .sort("need", "number")
        .group_by("need", maintain_order=True)
        .agg(
            VISIT_AT,
            DECIDED_AT,
            pl.col(VISIT_AT).filter("carted").first().alias(CARTED_AT),
            pl.col(DECIDED_AT).filter("over").first().alias(ENDED_AT),
            pl.col(FADED).any(),
        )
    )


def _click_times(block: Block) -> tuple[Ints, Ints]:
    """Return for each visit the times of its first click and of its decision."""
    clicks, bounds = block.need_clicks, _bounds(block)
    first, last = bounds[:-1], bounds[1:] - 1
    taken_in = ((1.0 + np.nan_to_num(clicks.dwell[last])) * US_PER_SECOND).astype(np.int64)
    decided = clicks.clock[last] + np.where(block.visits.item == NO_ITEM, taken_in, 0)
    return clicks.clock[first], decided


def _faded(block: Block) -> Bools:
    """Return which visits end a need without a sign in the log."""
    visits = block.visits
    emptied = block.need_clicks.code[_bounds(block)[1:] - 1] == _REMOVE
    spent = visits.number >= block.needs.max_visits[visits.need]
    silent: Bools = visits.over & (visits.item == NO_ITEM) & ~emptied & ~spent
    return silent


def _bounds(block: Block) -> Ints:
    """Return where the clicks of each visit begin, and, as the last entry, where those of the last one end."""
    return np.searchsorted(block.need_clicks.visit, np.arange(len(block.visits.need) + 1))


def _moment(microseconds: pl.Expr, rhythm: Rhythm) -> pl.Expr:
    return pl.lit(rhythm.origin, TIME_DTYPE) + microseconds.cast(pl.Duration("us"))
