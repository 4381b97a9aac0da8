"""How the needs stand at a moment, from the truth and from nothing that happens after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from purchase_pred.oracle.closed_form import OpenNeeds, purchase_later, purchase_now
from purchase_pred.oracle.visit_posterior import VisitMind, glance_at, weigh
from purchase_pred.schema import ITEM_ID, PREDICTION_TIME, USER_ID
from purchase_pred.simulation.arrays import take
from purchase_pred.simulation.clicks import US_PER_MS
from purchase_pred.simulation.needs import LARGEST_SET, NO_ITEM, Kind
from purchase_pred.simulation.rhythm import US_PER_WEEK
from purchase_pred.simulation.truth import (
    ABANDONMENT,
    CART_INTENT,
    CARTED_AT,
    DECIDED_AT,
    ENDED_AT,
    FADED,
    INTENT,
    ITEMS,
    KIND,
    MAX_VISITS,
    OPENED_AT,
    PACE,
    READY_AT,
    SENSITIVITY,
    SHARES,
    VISIT_AT,
)

if TYPE_CHECKING:
    from purchase_pred.oracle.visit_posterior import Glance
    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.arrays import Bools, Floats, Ints
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop

SLICE: Final = 50_000
"""Pairs of anchor and need that are worked on at a time, to bound the memory."""
END: Final = "end"
NEED: Final = "need"
AT: Final = "at"


@dataclass(frozen=True)
class VisitTimes:
    """All visits by need and time."""

    key: Ints
    """Number of the need and start of the visit in milliseconds, the unit of clicks."""
    begun: pl.Series
    decided: Ints
    first: Ints
    """Position of each need's first visit."""
    length: int
    """Mean time between the start of a visit and its decision, in microseconds."""

    @staticmethod
    def of(truth: pl.DataFrame, rhythm: Rhythm) -> VisitTimes:
        """Return the visits of the truth."""
        counts = truth[VISIT_AT].list.len().to_numpy().astype(np.int64)
        begun, ended = (truth[name].explode(empty_as_null=False) for name in (VISIT_AT, DECIDED_AT))
        start, decided = since_start(begun, rhythm), since_start(ended, rhythm)
        need = np.repeat(np.arange(len(counts)), counts)
        length = int((decided - start).mean()) if len(start) else 0
        return VisitTimes(_key(need, start // US_PER_MS), begun, decided, np.cumsum(counts) - counts, length)

    def before(self, need: Ints, clock: Ints) -> tuple[Ints, Bools]:
        """Return how many visits of each need began before a moment, and whether the last of them goes on then."""
        after_last = np.searchsorted(self.key, _key(need, -(-clock // US_PER_MS)))
        count = after_last - self.first[need]
        decided = np.append(self.decided, 0)[after_last - 1]
        return count, (count > 0) & (decided >= clock)


def chance_of_none(
    rows: pl.DataFrame,
    truth: pl.DataFrame,
    visits: VisitTimes,
    /,
    *,
    shop: Shop,
    rhythm: Rhythm,
    dataset: DatasetSettings,
    events: pl.DataFrame | None,
    foresight: bool,
) -> Floats:
    """Return for each row the chance that no need that is open at T ends in a purchase that counts.

    Parameters
    ----------
    rows
        `user_id`, `prediction_time`, `end` (microseconds until which visits may begin) and, where only the purchase of
        one item counts, `item_id`.
    truth, visits
        The truth, and the visits in it.
    shop, rhythm, dataset
        The laws of the world.
    events
        The log, for what is clicked in visits under way; None: it is not weighed.
    foresight
        Whether it is known that a need has faded; if not, the silence since its latest visit tells how likely it is.
    """
    none = np.ones(rows.height)
    for pairs in open_pairs(rows, truth, foresight=foresight).iter_slices(SLICE):
        of_need = truth[pairs[NEED].to_numpy()]
        needs, begun = stand(pairs, of_need, visits, shop=shop, rhythm=rhythm)
        now, lives = _now(pairs, of_need, needs, begun, events, shop=shop, rhythm=rhythm, dataset=dataset)
        ready = rhythm.activity_at(since_start(of_need[READY_AT], rhythm))
        weeks = _weeks(since_start(pairs[PREDICTION_TIME], rhythm), pairs[END].to_numpy(), ready, rhythm)
        later = purchase_later(needs, lives, weeks, settings=dataset.needs)
        if not foresight:
            later *= _unfaded(pairs, needs, begun, rhythm=rhythm, dataset=dataset)
        np.multiply.at(none, pairs[AT].to_numpy(), 1.0 - now - pairs[SHARES].to_numpy() * later)
    return none


def since_start(times: pl.Series, rhythm: Rhythm) -> Ints:
    """Return times as microseconds since the start of the period."""
    return (times - rhythm.origin).dt.total_microseconds().to_numpy()


def open_pairs(rows: pl.DataFrame, truth: pl.DataFrame, /, *, foresight: bool = True) -> pl.DataFrame:
    """Return each row with each need that is open at its T and could do, and the share of purchases that counts.

    Without foresight a need that has faded is taken for open.
    """
    life = truth.select(USER_ID, OPENED_AT, ENDED_AT, FADED, pl.int_range(pl.len()).alias(NEED), ITEMS, SHARES)
    if ITEM_ID in rows.columns:
        keys = [USER_ID, ITEM_ID]
        wanted = life.explode(ITEMS, SHARES).rename({ITEMS: ITEM_ID})
    else:
        keys = [USER_ID]
        wanted = life.drop(ITEMS).with_columns(pl.lit(1.0).alias(SHARES))
    not_over = pl.col(ENDED_AT).is_null() | (pl.col(ENDED_AT) >= pl.col(PREDICTION_TIME))
    return (
        rows.lazy()
        .with_columns(pl.int_range(pl.len()).alias(AT))
        .join(wanted.lazy(), on=keys, maintain_order="left_right")
        .filter(pl.col(OPENED_AT) < pl.col(PREDICTION_TIME), not_over if foresight else not_over | pl.col(FADED))
        .select(AT, NEED, *keys, SHARES, PREDICTION_TIME, END)
        .collect()
    )


def stand(
    pairs: pl.DataFrame, of_need: pl.DataFrame, visits: VisitTimes, /, *, shop: Shop, rhythm: Rhythm
) -> tuple[OpenNeeds, pl.Series]:
    """Return how each need stands at T, and when the latest of its visits began (any moment, for those without)."""
    need, clock = pairs[NEED].to_numpy(), since_start(pairs[PREDICTION_TIME], rhythm)
    count, within = visits.before(need, clock)
    favourite = shop.find(of_need[ITEMS].list.first())
    needs = OpenNeeds(
        intent=of_need[INTENT].to_numpy(),
        sensitivity=of_need[SENSITIVITY].to_numpy(),
        cart_intent=of_need[CART_INTENT].to_numpy(),
        pace=of_need[PACE].to_numpy(),
        abandonment=of_need[ABANDONMENT].to_numpy(),
        max_visits=of_need[MAX_VISITS].to_numpy().astype(np.int64),
        visit=np.where(within, count, count + 1),
        within=within,
        in_cart=(of_need[CARTED_AT] < pairs[PREDICTION_TIME]).fill_null(value=False).to_numpy(),
        discount=shop.depth[favourite],
        promoted=shop.promoted[rhythm.week_at(clock), favourite].astype(np.float64),
        promotion_share=shop.promotion_share[favourite],
    )
    latest = np.maximum(visits.first[need] + count - 1, 0)
    return needs, visits.begun[latest] if len(visits.begun) else pairs[PREDICTION_TIME]


def _now(
    pairs: pl.DataFrame,
    of_need: pl.DataFrame,
    needs: OpenNeeds,
    begun: pl.Series,
    events: pl.DataFrame | None,
    /,
    *,
    shop: Shop,
    rhythm: Rhythm,
    dataset: DatasetSettings,
) -> tuple[Floats, Floats]:
    """Return the chances that a visit under way ends in the purchase that counts, and that its need outlives it."""
    buy, stay = purchase_now(needs, settings=dataset.needs)
    counts, lives = needs.within * pairs[SHARES].to_numpy() * buy, (1.0 - buy) * stay
    rows = np.flatnonzero(needs.within)
    if events is None or not len(rows):
        return counts, lives
    laws: dict[str, Any] = {"shop": shop, "rhythm": rhythm, "dataset": dataset}
    mind, glance = sight(pairs[rows], of_need[rows], take(needs, rows), begun[rows], events, **laws)
    wanted = shop.find(pairs[rows][ITEM_ID]) if ITEM_ID in pairs.columns else None
    counts[rows], lives[rows] = weigh(mind, glance, wanted=wanted, shop=shop, settings=dataset.visits)
    return counts, lives


def _unfaded(
    pairs: pl.DataFrame, needs: OpenNeeds, begun: pl.Series, /, *, rhythm: Rhythm, dataset: DatasetSettings
) -> Floats:
    """Return the chance that a need which has shown no sign of its end is alive, by the silence since its last visit.

    A need is given up with its visit or is visited for again after an exponential wait: the longer nothing comes, the
    likelier it has been given up. Whoever gives up may empty the cart, which would have been seen.
    """
    visited = ~needs.within & (needs.visit > 1)
    at, last = (rhythm.activity_at(since_start(times, rhythm)) for times in (pairs[PREDICTION_TIME], begun))
    given_up = needs.abandonment * (1.0 - dataset.visits.remove * needs.in_cart)
    waiting = (1.0 - needs.abandonment) * np.exp(-needs.pace * (at - last))
    return np.where(visited, waiting / np.maximum(given_up + waiting, np.finfo(np.float64).tiny), 1.0)


def sight(
    pairs: pl.DataFrame,
    of_need: pl.DataFrame,
    needs: OpenNeeds,
    begun: pl.Series,
    events: pl.DataFrame,
    /,
    *,
    shop: Shop,
    rhythm: Rhythm,
    dataset: DatasetSettings,
) -> tuple[VisitMind, Glance]:
    """Return what is in mind in visits under way, and what the log shows of them."""
    buy, stay = purchase_now(needs, settings=dataset.needs)
    mind = VisitMind(
        items=by_rank(of_need[ITEMS], NO_ITEM, shop=shop),
        shares=by_rank(of_need[SHARES], 0.0),
        number=needs.visit,
        repeat=repeats(of_need),
        carted=(of_need[CARTED_AT] == begun).fill_null(value=False).to_numpy(),
        in_cart=needs.in_cart,
        buy=buy,
        stay=stay,
        week=rhythm.week_at(since_start(begun, rhythm)),
    )
    return mind, glance_at(pairs[USER_ID], begun, pairs[PREDICTION_TIME], events, shop=shop)


def repeats(of_need: pl.DataFrame) -> Bools:
    """Tell the needs for something that is bought again."""
    return (of_need[KIND] == Kind.REPEAT.name.lower()).to_numpy()


def by_rank(sets: pl.Series, beyond: float, *, shop: Shop | None = None) -> Any:
    """Return lists as the rows of an array, filled up at their end; items as their positions in the shop."""
    values = sets.explode(empty_as_null=False)
    there = np.arange(LARGEST_SET) < sets.list.len().to_numpy()[:, None]
    found = values.to_numpy() if shop is None else shop.find(values)
    filled = np.full(there.shape, beyond, dtype=found.dtype)
    filled[there] = found
    return filled


def _weeks(clock: Ints, end: Ints, ready: Floats, rhythm: Rhythm) -> Floats:
    """Return the activity in each calendar week from T, or from when the need is ready, to the end."""
    monday = clock - (clock - rhythm.monday) % US_PER_WEEK
    most = int((-(-(end - monday) // US_PER_WEEK)).max(initial=1))
    edges = np.clip(monday[:, None] + US_PER_WEEK * np.arange(most + 1), clock[:, None], end[:, None])
    return np.diff(np.maximum(rhythm.activity_at(edges), ready[:, None]), axis=1)


def _key(need: Ints, milliseconds: Ints) -> Ints:
    """Return one number that orders by need, then by time; times reach some eight years either way."""
    return (need << 39) + milliseconds + (1 << 38)
