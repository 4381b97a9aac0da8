"""The latent state at prediction times: the open needs and their visits, from the truth before T alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl

from purchase_pred.oracle.closed_form import NeedState, purchase_later, purchase_now
from purchase_pred.oracle.visit_posterior import VisitState, latest_page_view, visit_posterior
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
    from purchase_pred.oracle.visit_posterior import PageView
    from purchase_pred.oracle.world import World
    from purchase_pred.simulation.arrays import Bools, Floats, Ints
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop

Abandonment = Literal["known", "inferred"]
"""Of a need given up without a sign in the log: known from the truth, or P(alive) inferred from the time since."""

PAIRS_AT_ONCE: Final = 50_000
"""Pairs of a prediction point and a need that are computed at a time, to bound the memory."""
END: Final = "end"
NEED: Final = "need"
AT: Final = "at"


@dataclass(frozen=True)
class VisitTimes:
    """All visits for needs, by need and time."""

    key: Ints
    """Position of the need and start of the visit (milliseconds, as clicks have them) as one sorted number."""
    begun: pl.Series
    """Start of each visit."""
    decided: Ints
    """When the outcome of each visit is decided, microseconds since the start of the period."""
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
        """Return how many visits of each need began before a time, and whether the latest is still undecided then."""
        after_last = np.searchsorted(self.key, _key(need, -(-clock // US_PER_MS)))
        count = after_last - self.first[need]
        decided = np.append(self.decided, 0)[after_last - 1]
        return count, (count > 0) & (decided >= clock)


def no_purchase_probability(
    rows: pl.DataFrame,
    truth: pl.DataFrame,
    visits: VisitTimes,
    events: pl.DataFrame | None,
    /,
    *,
    world: World,
    abandonment: Abandonment,
) -> Floats:
    """Return for each row the probability that no need that is open at T ends in a purchase that counts.

    Parameters
    ----------
    rows
        `user_id`, `prediction_time`, `end` (visits begin before it; microseconds since the start of the period) and,
        where only the purchase of one item counts, `item_id`.
    truth, visits
        The truth, and the visits in it.
    events
        The log, for the clicks of visits that have begun; None: these clicks are not used.
    world
        The simulated world.
    abandonment
        "known": needs that were given up without a sign in the log count as over. "inferred": they count as open, with
        the probability to be alive that the time since the latest visit leaves.
    """
    none = np.ones(rows.height)
    for pairs in open_pairs(rows, truth, abandonment=abandonment).iter_slices(PAIRS_AT_ONCE):
        of_need = truth[pairs[NEED].to_numpy()]
        needs, begun = need_state(pairs, of_need, visits, world=world)
        now, alive = _now(pairs, of_need, needs, begun, events, world=world)
        ready = world.rhythm.activity_at(since_start(of_need[READY_AT], world.rhythm))
        clock = since_start(pairs[PREDICTION_TIME], world.rhythm)
        weeks = _weeks(clock, pairs[END].to_numpy(), ready, world.rhythm)
        later = purchase_later(needs, alive, weeks, settings=world.dataset.needs)
        if abandonment == "inferred":
            later *= _p_alive(pairs, needs, begun, world=world)
        np.multiply.at(none, pairs[AT].to_numpy(), 1.0 - now - pairs[SHARES].to_numpy() * later)
    return none


def since_start(times: pl.Series, rhythm: Rhythm) -> Ints:
    """Return times as microseconds since the start of the period."""
    return (times - rhythm.origin).dt.total_microseconds().to_numpy()


def open_pairs(rows: pl.DataFrame, truth: pl.DataFrame, /, *, abandonment: Abandonment = "known") -> pl.DataFrame:
    """Return each row with each need of its user that is open at T and can end in a purchase that counts.

    The column `shares` has the probability that a purchase for the need counts. With `abandonment="inferred"` a need
    that was given up without a sign is returned too.
    """
    life = truth.select(USER_ID, OPENED_AT, ENDED_AT, FADED, pl.int_range(pl.len()).alias(NEED), ITEMS, SHARES)
    if ITEM_ID in rows.columns:
        keys = [USER_ID, ITEM_ID]
        wanted = life.explode(ITEMS, SHARES).rename({ITEMS: ITEM_ID})
    else:
        keys = [USER_ID]
        wanted = life.drop(ITEMS).with_columns(pl.lit(1.0).alias(SHARES))
    not_over = pl.col(ENDED_AT).is_null() | (pl.col(ENDED_AT) >= pl.col(PREDICTION_TIME))
    is_open = not_over if abandonment == "known" else not_over | pl.col(FADED)
    return (
        rows.lazy()
        .with_columns(pl.int_range(pl.len()).alias(AT))
        .join(wanted.lazy(), on=keys, maintain_order="left_right")
        .filter(pl.col(OPENED_AT) < pl.col(PREDICTION_TIME), is_open)
        .select(AT, NEED, *keys, SHARES, PREDICTION_TIME, END)
        .collect()
    )


def need_state(
    pairs: pl.DataFrame, of_need: pl.DataFrame, visits: VisitTimes, /, *, world: World
) -> tuple[NeedState, pl.Series]:
    """Return the state of each need at T, and the start of its latest visit before T (any time, for those without)."""
    shop, rhythm = world.shop, world.rhythm
    need, clock = pairs[NEED].to_numpy(), since_start(pairs[PREDICTION_TIME], rhythm)
    count, within = visits.before(need, clock)
    favourite = shop.find(of_need[ITEMS].list.first())
    needs = NeedState(
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


def visits_begun(
    pairs: pl.DataFrame,
    of_need: pl.DataFrame,
    needs: NeedState,
    begun: pl.Series,
    events: pl.DataFrame,
    /,
    *,
    world: World,
) -> tuple[VisitState, PageView]:
    """Return the latent state of visits that have begun and are not decided at T, and their latest page view."""
    buy, stay = purchase_now(needs, settings=world.dataset.needs)
    state = VisitState(
        items=by_rank(of_need[ITEMS], NO_ITEM, shop=world.shop),
        shares=by_rank(of_need[SHARES], 0.0),
        number=needs.visit,
        repeat=repeats(of_need),
        carted=(of_need[CARTED_AT] == begun).fill_null(value=False).to_numpy(),
        in_cart=needs.in_cart,
        buy=buy,
        stay=stay,
        week=world.rhythm.week_at(since_start(begun, world.rhythm)),
    )
    return state, latest_page_view(pairs[USER_ID], begun, pairs[PREDICTION_TIME], events, shop=world.shop)


def repeats(of_need: pl.DataFrame) -> Bools:
    """Return which needs are for another of a consumable."""
    return (of_need[KIND] == Kind.REPEAT.name.lower()).to_numpy()


def by_rank(sets: pl.Series, beyond: float, *, shop: Shop | None = None) -> Any:
    """Return lists as the rows of an array, padded with `beyond`; with a shop, items become positions in it."""
    values = sets.explode(empty_as_null=False)
    there = np.arange(LARGEST_SET) < sets.list.len().to_numpy()[:, None]
    found = values.to_numpy() if shop is None else shop.find(values)
    filled = np.full(there.shape, beyond, dtype=found.dtype)
    filled[there] = found
    return filled


def _now(
    pairs: pl.DataFrame,
    of_need: pl.DataFrame,
    needs: NeedState,
    begun: pl.Series,
    events: pl.DataFrame | None,
    /,
    *,
    world: World,
) -> tuple[Floats, Floats]:
    """Return P(a visit that has begun ends in the purchase that counts), and P(its need is alive after it)."""
    buy, stay = purchase_now(needs, settings=world.dataset.needs)
    counts, alive = needs.within * pairs[SHARES].to_numpy() * buy, (1.0 - buy) * stay
    rows = np.flatnonzero(needs.within)
    if events is None or not len(rows):
        return counts, alive
    state, view = visits_begun(pairs[rows], of_need[rows], take(needs, rows), begun[rows], events, world=world)
    wanted = world.shop.find(pairs[rows][ITEM_ID]) if ITEM_ID in pairs.columns else None
    counts[rows], alive[rows] = visit_posterior(
        state, view, wanted=wanted, shop=world.shop, settings=world.dataset.visits
    )
    return counts, alive


def _p_alive(pairs: pl.DataFrame, needs: NeedState, begun: pl.Series, /, *, world: World) -> Floats:
    """Return P(alive) of needs that show no sign of their end, given the time since their latest visit.

    A need is given up with a visit, or visited for again after an exponential wait: the longer nothing comes, the
    smaller P(alive). A need whose cart is taken out when it is given up would have shown it.
    """
    visited = ~needs.within & (needs.visit > 1)
    at, last = (world.rhythm.activity_at(since_start(times, world.rhythm)) for times in (pairs[PREDICTION_TIME], begun))
    given_up = needs.abandonment * (1.0 - world.dataset.visits.remove * needs.in_cart)
    waiting = (1.0 - needs.abandonment) * np.exp(-needs.pace * (at - last))
    return np.where(visited, waiting / np.maximum(given_up + waiting, np.finfo(np.float64).tiny), 1.0)


def _weeks(clock: Ints, end: Ints, ready: Floats, rhythm: Rhythm) -> Floats:
    """Return the activity days in each calendar week from T, or from when the need is ready, to the end."""
    monday = clock - (clock - rhythm.monday) % US_PER_WEEK
    most = int((-(-(end - monday) // US_PER_WEEK)).max(initial=1))
    edges = np.clip(monday[:, None] + US_PER_WEEK * np.arange(most + 1), clock[:, None], end[:, None])
    return np.diff(np.maximum(rhythm.activity_at(edges), ready[:, None]), axis=1)


def _key(need: Ints, milliseconds: Ints) -> Ints:
    """Return one number that sorts by need, then by time; times may lie some eight years before or after the start."""
    return (need << 39) + milliseconds + (1 << 38)
