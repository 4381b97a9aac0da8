"""Journeys: the visits for each need, until a purchase or until the need is given up."""

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
"""The log-odds of buying rise with each of so many visits after the first, and no further."""


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
    """Probability of the purchase, given what is in the cart."""
    item: Ints
    """What is bought, or `NO_ITEM`."""
    over: Bools
    """The need ends with this visit: something is bought, or the need is given up."""


@dataclass(frozen=True)
class NeedProgress:
    """The state of needs before their next visits; all arrays are of one length."""

    at: Floats
    """Activity day of the next visit; infinite where there is none."""
    number: Ints
    """Number of the next visit."""
    in_cart: Bools
    """Something is in the cart."""


@dataclass(frozen=True)
class Scenario:
    """When visits end, and the discounts that they find."""

    until: Floats
    """Visits begin before this activity day, by user."""
    discount: Callable[[Ints, Ints, Ints], Floats]
    """Discounts, as shares of the base price, for users, times (microseconds since the start) and items."""


def planned_scenario(users: int, shop: Shop, rhythm: Rhythm) -> Scenario:
    """Return the scenario of the simulated log: until the end of the period, with the planned promotions."""
    return Scenario(
        until=np.full(users, rhythm.last_activity),
        discount=lambda _, start, item: shop.discount(rhythm.week_at(start), item),
    )


def simulate_journeys(
    needs: Needs,
    users: Users,
    shop: Shop,
    /,
    *,
    dataset: DatasetSettings,
    rhythm: Rhythm,
    draws: np.random.Generator,
    scenario: Scenario | None = None,
    progress: NeedProgress | None = None,
) -> tuple[Needs, Visits]:
    """Return all needs, those opened by purchases of consumables included, and all visits before the end.

    The given needs come first. Without a scenario it is that of the simulated log; without progress the given needs
    have had no visit.
    """
    settings = dataset.needs
    scenario = planned_scenario(len(users.user_id), shop, rhythm) if scenario is None else scenario
    generations, visits, known, made = [needs], [], 0, 0
    while len(generations[-1].user):
        current = generations[-1]
        begin = not_yet_visited(current, draws) if known or progress is None else progress
        paid = run_visits(current, begin, scenario, settings=settings, rhythm=rhythm, draws=draws)
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
        begin = not_yet_visited(needs, draws)
        visits = [run_visits(needs, begin, scenario, settings=settings, rhythm=rhythm, draws=draws)]
    return concatenate(generations), concatenate(visits)


def not_yet_visited(needs: Needs, draws: np.random.Generator) -> NeedProgress:
    """Return the progress of needs before their first visit: they open with it, but repeat needs are visited later."""
    size = len(needs.user)
    wait = draws.exponential(size=size) / needs.pace
    return NeedProgress(
        at=np.where(needs.kind == Kind.REPEAT, needs.ready + wait, needs.ready),
        number=np.ones(size, dtype=np.int64),
        in_cart=np.zeros(size, dtype=bool),
    )


def run_visits(
    needs: Needs,
    progress: NeedProgress,
    scenario: Scenario,
    /,
    *,
    settings: NeedSettings,
    rhythm: Rhythm,
    draws: np.random.Generator,
) -> Visits:
    """Return the visits of needs from their progress to the end of the scenario, in rounds of one visit per need."""
    at, in_cart, alive = progress.at.copy(), progress.in_cart.copy(), np.arange(len(needs.user))
    steps = []
    for done in range(int(needs.max_visits.max(initial=1))):
        alive = alive[at[alive] < scenario.until[needs.user[alive]]]
        number = progress.number[alive] + done
        start = rhythm.clock_at(at[alive])
        uniform = draws.random((4, len(alive)))
        carted = (uniform[0] < cart_chance(needs, alive, number, settings)) & ~in_cart[alive]
        in_cart[alive] |= carted
        discount = scenario.discount(needs.user[alive], start, needs.items[alive, 0])
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
    """Return the probability that something is put into the empty cart at a visit."""
    risen = np.minimum(np.asarray(number) - 1, LAST_RISE)
    return logistic(needs.cart_intent[rows] + settings.cart_rise * risen)


def purchase_chance(
    needs: Needs, rows: Ints, number: Ints | int, /, *, in_cart: Bools, discount: Floats, settings: NeedSettings
) -> Floats:
    """Return the probability of a purchase at a visit, given the cart and the discount of the favourite."""
    risen = np.minimum(np.asarray(number) - 1, LAST_RISE)
    log_odds = needs.intent[rows] + settings.rise_per_visit * risen + settings.cart_lift * in_cart
    return logistic(log_odds - needs.sensitivity[rows] * np.log1p(-discount))
