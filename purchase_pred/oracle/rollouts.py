"""What may come after a moment: futures of its user, drawn forward from the latent state as the world draws them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from purchase_pred.simulation.arrays import concatenate, positions, take
from purchase_pred.simulation.clicks import click
from purchase_pred.simulation.journeys import Course, Standing, live
from purchase_pred.simulation.looks import idle_looks, idle_visits, need_looks
from purchase_pred.simulation.needs import NO_ITEM, NO_VISIT, Kind, Needs, draw_needs
from purchase_pred.simulation.rhythm import US_PER_WEEK

if TYPE_CHECKING:
    from purchase_pred.oracle.open_needs import Pending
    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.arrays import Floats, Ints
    from purchase_pred.simulation.clicks import Clicks
    from purchase_pred.simulation.journeys import Visits
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop
    from purchase_pred.simulation.users import Users

NO_NEED: Final = -1
MEASURED_USERS: Final = 1_000
"""Users whose visits are drawn click by click, to know how long visits last."""


@dataclass(frozen=True)
class World:
    """The laws of the world and all its users."""

    dataset: DatasetSettings
    rhythm: Rhythm
    shop: Shop
    users: Users


@dataclass(frozen=True)
class Points:
    """Moments of users who are no crawlers; all arrays are of one length."""

    user: Ints
    """Position among all users."""
    clock: Ints
    """T, in microseconds since the start of the period."""
    end: Ints
    """Visits may begin until then."""
    latest: Ints
    """The user's latest event before T; long ago where there is none."""
    futures: Ints
    """How many futures are drawn."""


@dataclass(frozen=True)
class Lengths:
    """From the first to the last click of visits, in microseconds: samples to draw from."""

    needed: Ints
    idle: Ints


@dataclass(frozen=True)
class Ahead:
    """Visits after T in drawn futures; all arrays are of one length."""

    future: Ints
    start: Ints
    end: Ints
    """Last click."""
    need: Ints
    """Position of the open need that is visited for; `NO_NEED` for needs to come and for visits without one."""
    chance: Floats
    """Chance that the visit ends in a purchase, what is put into the cart being known."""
    item: Ints
    """What is bought, or `NO_ITEM`."""


def measure_visits(world: World, draws: np.random.Generator) -> Lengths:
    """Return how long visits last, from visits that are clicked through as the world clicks them."""
    people = np.flatnonzero(~world.users.bot)
    users = take(world.users, people[draws.integers(len(people), size=MEASURED_USERS)])
    laws: dict[str, Any] = {"dataset": world.dataset, "rhythm": world.rhythm, "draws": draws}
    of_clicks: dict[str, Any] = {"settings": world.dataset.visits, "rhythm": world.rhythm, "draws": draws}
    needs, visits = live(draw_needs(users, world.shop, **laws), users, world.shop, **laws)
    return Lengths(
        needed=_lengths(click(need_looks(visits, needs, world.shop, **laws), world.shop, **of_clicks)),
        idle=_lengths(click(idle_looks(users, world.shop, **laws), world.shop, **of_clicks)),
    )


def draw_ahead(
    points: Points, pending: Pending, /, *, world: World, lengths: Lengths, draws: np.random.Generator
) -> Ahead:
    """Return the visits in the futures of points: `points.futures` of the first, then those of the second, ...

    A future is drawn by the functions that draw the world: idle visits, needs to come with their visits, and the visits
    for the needs that are open at T, from where they stand; each with what its purchases of consumables lead to.
    Promotions are known in the week of T and drawn for later ones. A visit under way stands among the visits, at T and
    with no chance, for what it comes to.
    """
    point = np.repeat(np.arange(len(points.user)), points.futures)
    now = world.rhythm.activity_at(points.clock)
    users = take(world.users, points.user[point])
    users = replace(users, active_from=np.maximum(users.active_from, now[point]))
    course = _course(points, point, world, draws)
    laws: dict[str, Any] = {"dataset": world.dataset, "rhythm": world.rhythm, "draws": draws}
    need, copies = _copies(pending, points)
    standing, bought = _end_of_visit(pending, need, now[pending.point], draws)
    old = live(copies, users, world.shop, course=course, standing=standing, **laws)
    new = live(draw_needs(users, world.shop, until=course.until, **laws), users, world.shop, course=course, **laws)
    idle = idle_visits(users, settings=world.dataset.visits, rhythm=world.rhythm, draws=draws, until=course.until)
    under_way = np.flatnonzero(pending.needs.within[need])
    begun = Ahead(
        future=copies.user[under_way],
        start=points.clock[pending.point][need[under_way]],
        end=points.clock[pending.point][need[under_way]],
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


def draw_newcomers(
    points: Points, /, *, pace: Floats, most: int, world: World, draws: np.random.Generator
) -> tuple[Ints, Ints, Ints, Floats]:
    """Return the visits of one journey more in each future, opened at random between T and the end and never over.

    Parameters
    ----------
    points, world, draws
        As for `draw_ahead`.
    pace
        Visits per activity day, by persona.
    most
        Visits that a journey has at most.

    Returns
    -------
    tuple
        Future, number (from 0) and start of the visits before the end; and for each point the activity days from T, or
        from the user's first activity, to the end.
    """
    users = take(world.users, points.user)
    begin = np.maximum(users.active_from, world.rhythm.activity_at(points.clock))
    until = world.rhythm.activity_at(points.end)
    span = np.maximum(until - begin, 0.0)
    point = np.repeat(np.arange(len(points.user)), points.futures)
    waits = draws.exponential(size=(len(point), most)) / pace[users.persona[point], None]
    waits[:, 0] = draws.random(len(point)) * span[point]
    at = begin[point, None] + np.cumsum(waits, axis=1)
    future, number = np.nonzero(at < until[point, None])
    return future, number, world.rhythm.clock_at(at[future, number]), span


def _course(points: Points, point: Ints, world: World, draws: np.random.Generator) -> Course:
    """Return the course of futures: the promotions of the week of T are known, any later one is drawn when met."""
    shop, monday, salt = world.shop, world.rhythm.monday, draws.integers(2**63, dtype=np.uint64)
    week_now = ((points.clock - monday) // US_PER_WEEK)[point]
    known = shop.promoted[world.rhythm.week_at(points.clock)]
    weeks = int((points.end.max(initial=0) - monday) // US_PER_WEEK) + 1

    def discount(future: Ints, start: Ints, item: Ints) -> Floats:
        week = (start - monday) // US_PER_WEEK
        met = _uniform((future * weeks + week) * len(shop.item_id) + item, salt) < shop.promotion_share[item]
        promoted = np.where(week == week_now[future], known[point[future], item], met)
        return np.where(promoted, shop.depth[item], 0.0)

    return Course(until=world.rhythm.activity_at(points.end)[point], discount=discount)


def _uniform(key: Ints, salt: np.uint64) -> Floats:
    """Return for each key a number in [0, 1) that is always the same (the mixer of SplitMix64)."""
    mixed = (key.astype(np.uint64) + salt) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _copies(pending: Pending, points: Points) -> tuple[Ints, Needs]:
    """Return each open need once for each future of its point: its position, and the needs, by need and future."""
    size = points.futures[pending.point]
    need = np.repeat(np.arange(len(size)), size)
    of_need = Needs(
        user=(np.cumsum(points.futures) - points.futures)[pending.point],
        kind=np.where(pending.repeat, Kind.REPEAT, Kind.JOURNEY).astype(np.int64),
        opened=pending.ready,
        ready=pending.ready,
        items=pending.items,
        shares=pending.shares,
        intent=pending.needs.intent,
        sensitivity=pending.needs.sensitivity,
        cart_intent=pending.needs.cart_intent,
        pace=pending.needs.pace,
        abandonment=pending.needs.abandonment,
        max_visits=pending.needs.max_visits,
        origin=np.full(len(size), NO_VISIT),
    )
    copies = take(of_need, need)
    return need, replace(copies, user=copies.user + positions(size))


def _end_of_visit(pending: Pending, need: Ints, now: Floats, draws: np.random.Generator) -> tuple[Standing, Ints]:
    """Return how copies of needs stand after the visit that may be under way, and what is bought in it."""
    uniform = draws.random(len(need))
    upper = np.cumsum(pending.now, axis=1)[need]
    rank = (upper <= uniform[:, None]).sum(axis=1)
    bought = np.append(pending.items, np.full((len(pending.items), 1), NO_ITEM), axis=1)[need, rank]
    over = uniform < 1.0 - pending.lives[need]
    wait = draws.exponential(size=len(need)) / pending.needs.pace[need]
    standing = Standing(
        at=np.where(over, np.inf, np.maximum(now, pending.ready)[need] + wait),
        number=(pending.needs.visit + pending.needs.within)[need],
        in_cart=pending.needs.in_cart[need],
    )
    return standing, bought


def _for_needs(needs: Needs, visits: Visits, need: Ints, lengths: Ints, draws: np.random.Generator) -> Ahead:
    """Return visits for needs, the first of which are copies of the open needs at the given positions."""
    known = np.append(need, NO_NEED)[np.minimum(visits.need, len(need))]
    return Ahead(
        future=needs.user[visits.need],
        start=visits.start,
        end=visits.start + draw_lengths(len(known), lengths, draws),
        need=known,
        chance=visits.chance,
        item=visits.item,
    )


def _for_nothing(future: Ints, start: Ints, lengths: Ints, draws: np.random.Generator) -> Ahead:
    size = len(future)
    nothing = np.full(size, NO_NEED)
    end = start + draw_lengths(size, lengths, draws)
    return Ahead(future, start, end, nothing, np.zeros(size), np.full(size, NO_ITEM))


def draw_lengths(size: int, lengths: Ints, draws: np.random.Generator) -> Ints:
    """Return lengths of visits, drawn from the sample; where there is none there are no such visits."""
    return lengths[draws.integers(len(lengths), size=size)] if len(lengths) else np.zeros(size, dtype=np.int64)


def _lengths(clicks: Clicks) -> Ints:
    edges = np.flatnonzero(np.diff(clicks.visit, prepend=-1, append=-1))
    return clicks.clock[edges[1:] - 1] - clicks.clock[edges[:-1]]
