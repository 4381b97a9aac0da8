"""How needs are lived through: visit after visit, until a purchase, a rival's purchase or the loss of interest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.simulation.arrays import choose, concatenate, logistic
from purchase_pred.simulation.needs import NO_ITEM, Kind, Needs, repeat_needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from purchase_pred.settings.simulator import DatasetSettings, NeedSettings
    from purchase_pred.simulation.arrays import Bools, Floats, Ints
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop
    from purchase_pred.simulation.users import Users

LAST_RISE: Final = 5
"""Intent rises with each of so many visits after the first."""


@dataclass(frozen=True)
class Visits:
    """Visits for needs; all arrays are of one length."""

    need: Ints
    number: Ints
    """1, 2, 3, ... within the need."""
    start: Ints
    """Microseconds since the start of the period."""
    carted: Bools
    """Something is put into the cart for the first time."""
    in_cart: Bools
    """Something is in the cart at the end, put there now or before."""
    chance: Floats
    """Chance of the purchase, what is put into the cart being known."""
    item: Ints
    """What is bought, or `NO_ITEM`."""
    over: Bools
    """The need ends with this visit, by a purchase or given up."""


@dataclass(frozen=True)
class Standing:
    """How needs stand before their next visits; all arrays are of one length."""

    at: Floats
    """Activity day of the next visit; infinite where none is to come."""
    number: Ints
    """Number of the next visit."""
    in_cart: Bools


@dataclass(frozen=True)
class Course:
    """What visits run into."""

    until: Floats
    """Activity day before which visits begin, by user."""
    discount: Callable[[Ints, Ints, Ints], Floats]
    """Discount that users (first) find at moments (second) on items (third)."""


def planned(users: int, shop: Shop, rhythm: Rhythm) -> Course:
    """Return the course of the world itself: to the end of the period, with the promotions of the shop's plan."""
    return Course(
        until=np.full(users, rhythm.last_activity),
        discount=lambda _, start, item: shop.discount(rhythm.week_at(start), item),
    )


def live(
    needs: Needs,
    users: Users,
    shop: Shop,
    /,
    *,
    dataset: DatasetSettings,
    rhythm: Rhythm,
    draws: np.random.Generator,
    course: Course | None = None,
    standing: Standing | None = None,
) -> tuple[Needs, Visits]:
    """Return all needs, those opened by purchases of consumables included, and all visits before the end.

    The needs given come first. Without a course they run into the world's own; without a standing they are new.
    """
    settings = dataset.needs
    course = planned(len(users.user_id), shop, rhythm) if course is None else course
    generations, visits, known, made = [needs], [], 0, 0
    while len(generations[-1].user):
        current = generations[-1]
        begin = unvisited(current, draws) if known or standing is None else standing
        paid = run_visits(current, begin, course, settings=settings, rhythm=rhythm, draws=draws)
        bought = np.flatnonzero(paid.item != NO_ITEM)
        again = shop.consumable[paid.item[bought]] & (draws.random(len(bought)) < settings.repeat_share)
        bought = bought[again]
        children = repeat_needs(
            current.user[paid.need[bought]],
            paid.item[bought],
            rhythm.activity_at(paid.start[bought]),
            made + bought,
            users=users,
            shop=shop,
            dataset=dataset,
            draws=draws,
        )
        visits.append(replace(paid, need=paid.need + known))
        generations.append(children)
        known += len(current.user)
        made += len(paid.need)
    if not visits:
        begin = unvisited(needs, draws)
        visits = [run_visits(needs, begin, course, settings=settings, rhythm=rhythm, draws=draws)]
    return concatenate(generations), concatenate(visits)


def unvisited(needs: Needs, draws: np.random.Generator) -> Standing:
    """Return how needs stand before their first visit: with it they open, but for those that lie still at first."""
    size = len(needs.user)
    wait = draws.exponential(size=size) / needs.pace
    return Standing(
        at=np.where(needs.kind == Kind.REPEAT, needs.ready + wait, needs.ready),
        number=np.ones(size, dtype=np.int64),
        in_cart=np.zeros(size, dtype=bool),
    )


def run_visits(
    needs: Needs,
    standing: Standing,
    course: Course,
    /,
    *,
    settings: NeedSettings,
    rhythm: Rhythm,
    draws: np.random.Generator,
) -> Visits:
    """Return the visits of needs from where they stand to where their course ends, in rounds of one visit each."""
    at, in_cart, alive = standing.at.copy(), standing.in_cart.copy(), np.arange(len(needs.user))
    steps = []
    for done in range(int(needs.max_visits.max(initial=1))):
        alive = alive[at[alive] < course.until[needs.user[alive]]]
        number = standing.number[alive] + done
        start = rhythm.clock_at(at[alive])
        uniform = draws.random((4, len(alive)))
        carted = (uniform[0] < cart_chance(needs, alive, number, settings)) & ~in_cart[alive]
        in_cart[alive] |= carted
        discount = course.discount(needs.user[alive], start, needs.items[alive, 0])
        chance = purchase_chance(needs, alive, number, in_cart=in_cart[alive], discount=discount, settings=settings)
        bought = uniform[1] < chance
        position = choose(needs.shares[alive], uniform[2])
        over = bought | (uniform[3] < needs.abandonment[alive]) | (number >= needs.max_visits[alive])
        steps.append(
            Visits(
                need=alive,
                number=number,
                start=start,
                carted=carted,
                in_cart=in_cart[alive],
                chance=chance,
                item=np.where(bought, needs.items[alive, position], NO_ITEM),
                over=over,
            )
        )
        alive = alive[~over]
        at[alive] += draws.exponential(size=len(alive)) / needs.pace[alive]
    return concatenate(steps)


def cart_chance(needs: Needs, rows: Ints, number: Ints | int, settings: NeedSettings) -> Floats:
    """Return the chance that something is put into the cart at a visit, when nothing is there yet."""
    risen = np.minimum(np.asarray(number) - 1, LAST_RISE)
    return logistic(needs.cart_intent[rows] + settings.cart_rise * risen)


def purchase_chance(
    needs: Needs, rows: Ints, number: Ints | int, /, *, in_cart: Bools, discount: Floats, settings: NeedSettings
) -> Floats:
    """Return the chance that something is bought at a visit, given the cart and the favourite's discount."""
    risen = np.minimum(np.asarray(number) - 1, LAST_RISE)
    log_odds = needs.intent[rows] + settings.rise_per_visit * risen + settings.cart_lift * in_cart
    return logistic(log_odds - needs.sensitivity[rows] * np.log1p(-discount))
