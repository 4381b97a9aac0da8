"""Rollouts: what a user does after T, drawn forward from the latent state by the functions that draw the world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.simulation.arrays import concatenate, positions, take
from purchase_pred.simulation.clicks import click
from purchase_pred.simulation.journeys import NeedProgress, Scenario, simulate_journeys
from purchase_pred.simulation.looks import idle_looks, idle_visits, need_looks
from purchase_pred.simulation.needs import NO_ITEM, NO_VISIT, Kind, Needs, draw_needs
from purchase_pred.simulation.rhythm import US_PER_WEEK

if TYPE_CHECKING:
    from purchase_pred.oracle.open_needs import OpenNeeds
    from purchase_pred.oracle.world import World
    from purchase_pred.simulation.arrays import Floats, Ints
    from purchase_pred.simulation.clicks import Clicks
    from purchase_pred.simulation.journeys import Visits

NO_NEED: Final = -1
MEASURED_USERS: Final = 1_000
"""Users whose visits are drawn click by click, to know how long visits last."""


@dataclass(frozen=True)
class PredictionPoints:
    """A user and a prediction time T each, of users who are no crawlers; all arrays are of one length."""

    user: Ints
    """Position among all users."""
    clock: Ints
    """T, in microseconds since the start of the period."""
    end: Ints
    """Visits begin before it; microseconds since the start of the period."""
    latest: Ints
    """The user's latest event before T; further back than the inactivity threshold where there is none."""
    rollouts: Ints
    """How many rollouts are drawn."""


@dataclass(frozen=True)
class VisitLengths:
    """Samples of the time from the first to the last click of a visit, in microseconds."""

    needed: Ints
    """Of visits for needs."""
    idle: Ints
    """Of visits without a need."""


@dataclass(frozen=True)
class RolloutVisits:
    """Visits after T in rollouts; all arrays are of one length."""

    rollout: Ints
    start: Ints
    """First click."""
    end: Ints
    """Last click."""
    need: Ints
    """Position of the open need that the visit is for; `NO_NEED` for future needs and for visits without a need."""
    chance: Floats
    """Probability that the visit ends in a purchase, given what is in the cart."""
    item: Ints
    """What is bought, or `NO_ITEM`."""


def measure_visits(world: World, draws: np.random.Generator) -> VisitLengths:
    """Return how long visits last, from visits of sampled users that are drawn click by click."""
    dataset, rhythm, shop = world.dataset, world.rhythm, world.shop
    people = np.flatnonzero(~world.users.bot)
    users = take(world.users, people[draws.integers(len(people), size=MEASURED_USERS)])
    drawn = draw_needs(users, shop, dataset=dataset, rhythm=rhythm, draws=draws)
    needs, visits = simulate_journeys(drawn, users, shop, dataset=dataset, rhythm=rhythm, draws=draws)
    looks = need_looks(visits, needs, shop, dataset=dataset, rhythm=rhythm, draws=draws)
    needed = click(looks, shop, settings=dataset.visits, rhythm=rhythm, draws=draws)
    looks = idle_looks(users, shop, dataset=dataset, rhythm=rhythm, draws=draws)
    idle = click(looks, shop, settings=dataset.visits, rhythm=rhythm, draws=draws)
    return VisitLengths(needed=_lengths(needed), idle=_lengths(idle))


def draw_rollouts(
    points: PredictionPoints,
    open_needs: OpenNeeds,
    /,
    *,
    world: World,
    lengths: VisitLengths,
    draws: np.random.Generator,
) -> RolloutVisits:
    """Return the visits in the rollouts of points: `points.rollouts` of the first, then those of the second, ...

    Each rollout has idle visits, future needs with their visits, and further visits for the needs that are open at T,
    from their state at T on; purchases of consumables open repeat needs in it. Promotions of the week of T are known,
    those of later weeks are drawn. A visit that has begun at T is among the visits with `chance` 0, start and end at T:
    it takes a session, and its own purchase is counted elsewhere.
    """
    dataset, rhythm, shop = world.dataset, world.rhythm, world.shop
    point = np.repeat(np.arange(len(points.user)), points.rollouts)
    now = rhythm.activity_at(points.clock)
    users = take(world.users, points.user[point])
    users = replace(users, active_from=np.maximum(users.active_from, now[point]))
    scenario = _scenario(points, point, world, draws)
    need, copies = _copies(open_needs, points)
    progress, bought = _end_of_visit(open_needs, need, now[open_needs.point], draws)
    old = simulate_journeys(
        copies, users, shop, dataset=dataset, rhythm=rhythm, draws=draws, scenario=scenario, progress=progress
    )
    drawn = draw_needs(users, shop, dataset=dataset, rhythm=rhythm, draws=draws, until=scenario.until)
    new = simulate_journeys(drawn, users, shop, dataset=dataset, rhythm=rhythm, draws=draws, scenario=scenario)
    idle = idle_visits(users, settings=dataset.visits, rhythm=rhythm, draws=draws, until=scenario.until)
    under_way = np.flatnonzero(open_needs.state.within[need])
    begun = RolloutVisits(
        rollout=copies.user[under_way],
        start=points.clock[open_needs.point][need[under_way]],
        end=points.clock[open_needs.point][need[under_way]],
        need=need[under_way],
        chance=np.zeros(len(under_way)),
        item=bought[under_way],
    )
    return concatenate(
        (
            begun,
            _for_needs(*old, need, lengths.needed, draws),
            _for_needs(*new, need[:0], lengths.needed, draws),
            _for_nothing(*idle, lengths.idle, draws),
        )
    )


def draw_extra_journeys(
    points: PredictionPoints, /, *, pace: Floats, most: int, world: World, draws: np.random.Generator
) -> tuple[Ints, Ints, Ints, Floats]:
    """Return the visits of one extra journey in each rollout, which opens uniformly between T and the end.

    Parameters
    ----------
    points, world, draws
        As for `draw_rollouts`.
    pace
        Visits per activity day, by persona.
    most
        Number of visits that each journey has; those after the end are left out.

    Returns
    -------
    tuple
        Rollout, number (from 0) and start of the visits before the end; and for each point the activity days from T, or
        from the user's first activity, to the end.
    """
    users = take(world.users, points.user)
    begin = np.maximum(users.active_from, world.rhythm.activity_at(points.clock))
    until = world.rhythm.activity_at(points.end)
    span = np.maximum(until - begin, 0.0)
    point = np.repeat(np.arange(len(points.user)), points.rollouts)
    waits = draws.exponential(size=(len(point), most)) / pace[users.persona[point], None]
    waits[:, 0] = draws.random(len(point)) * span[point]
    at = begin[point, None] + np.cumsum(waits, axis=1)
    rollout, number = np.nonzero(at < until[point, None])
    return rollout, number, world.rhythm.clock_at(at[rollout, number]), span


def draw_lengths(size: int, lengths: Ints, draws: np.random.Generator) -> Ints:
    """Return lengths of visits drawn from a sample; an empty sample means that there are no such visits."""
    return lengths[draws.integers(len(lengths), size=size)] if len(lengths) else np.zeros(size, dtype=np.int64)


def _scenario(points: PredictionPoints, point: Ints, world: World, draws: np.random.Generator) -> Scenario:
    """Return the scenario of rollouts: promotions of the week of T are known, later ones are drawn when looked up."""
    shop, monday, salt = world.shop, world.rhythm.monday, draws.integers(2**63, dtype=np.uint64)
    week_now = ((points.clock - monday) // US_PER_WEEK)[point]
    known = shop.promoted[world.rhythm.week_at(points.clock)]
    weeks = int((points.end.max(initial=0) - monday) // US_PER_WEEK) + 1

    def discount(rollout: Ints, start: Ints, item: Ints) -> Floats:
        week = (start - monday) // US_PER_WEEK
        drawn = _uniform((rollout * weeks + week) * len(shop.item_id) + item, salt) < shop.promotion_share[item]
        promoted = np.where(week == week_now[rollout], known[point[rollout], item], drawn)
        return np.where(promoted, shop.depth[item], 0.0)

    return Scenario(until=world.rhythm.activity_at(points.end)[point], discount=discount)


def _uniform(key: Ints, salt: np.uint64) -> Floats:
    """Return for each key a number in [0, 1), the same for the same key and salt (the mixer of SplitMix64)."""
    mixed = (key.astype(np.uint64) + salt) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _copies(open_needs: OpenNeeds, points: PredictionPoints) -> tuple[Ints, Needs]:
    """Return each open need once for each rollout of its point: its position, and the needs; by need and rollout."""
    size = points.rollouts[open_needs.point]
    need = np.repeat(np.arange(len(size)), size)
    of_need = Needs(
        user=(np.cumsum(points.rollouts) - points.rollouts)[open_needs.point],
        kind=np.where(open_needs.repeat, Kind.REPEAT, Kind.JOURNEY).astype(np.int64),
        opened=open_needs.ready,
        ready=open_needs.ready,
        items=open_needs.items,
        shares=open_needs.shares,
        intent=open_needs.state.intent,
        sensitivity=open_needs.state.sensitivity,
        cart_intent=open_needs.state.cart_intent,
        pace=open_needs.state.pace,
        abandonment=open_needs.state.abandonment,
        max_visits=open_needs.state.max_visits,
        origin=np.full(len(size), NO_VISIT),
    )
    copies = take(of_need, need)
    return need, replace(copies, user=copies.user + positions(size))


def _end_of_visit(
    open_needs: OpenNeeds, need: Ints, now: Floats, draws: np.random.Generator
) -> tuple[NeedProgress, Ints]:
    """Draw how a visit that has begun ends: the progress of its need after it, and what is bought in it."""
    uniform = draws.random(len(need))
    upper = np.cumsum(open_needs.now, axis=1)[need]
    rank = (upper <= uniform[:, None]).sum(axis=1)
    bought = np.append(open_needs.items, np.full((len(open_needs.items), 1), NO_ITEM), axis=1)[need, rank]
    over = uniform < 1.0 - open_needs.alive[need]
    wait = draws.exponential(size=len(need)) / open_needs.state.pace[need]
    progress = NeedProgress(
        at=np.where(over, np.inf, np.maximum(now, open_needs.ready)[need] + wait),
        number=(open_needs.state.visit + open_needs.state.within)[need],
        in_cart=open_needs.state.in_cart[need],
    )
    return progress, bought


def _for_needs(needs: Needs, visits: Visits, need: Ints, lengths: Ints, draws: np.random.Generator) -> RolloutVisits:
    """Return visits for needs, the first of which are copies of the open needs at the given positions."""
    known = np.append(need, NO_NEED)[np.minimum(visits.need, len(need))]
    return RolloutVisits(
        rollout=needs.user[visits.need],
        start=visits.start,
        end=visits.start + draw_lengths(len(known), lengths, draws),
        need=known,
        chance=visits.chance,
        item=visits.item,
    )


def _for_nothing(rollout: Ints, start: Ints, lengths: Ints, draws: np.random.Generator) -> RolloutVisits:
    size = len(rollout)
    nothing = np.full(size, NO_NEED)
    end = start + draw_lengths(size, lengths, draws)
    return RolloutVisits(rollout, start, end, nothing, np.zeros(size), np.full(size, NO_ITEM))


def _lengths(clicks: Clicks) -> Ints:
    edges = np.flatnonzero(np.diff(clicks.visit, prepend=-1, append=-1))
    return clicks.clock[edges[1:] - 1] - clicks.clock[edges[:-1]]
