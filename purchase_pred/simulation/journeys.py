"""How needs are lived through: visit after visit, until a purchase, a rival's purchase or the loss of interest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.simulation.arrays import choose, concatenate, logistic
from purchase_pred.simulation.needs import NO_ITEM, Kind, Needs, repeat_needs

if TYPE_CHECKING:
    from purchase_pred.settings.dataset import DatasetSettings
    from purchase_pred.settings.world import NeedSettings
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
    item: Ints
    """What is bought, or `NO_ITEM`."""
    over: Bools
    """The need ends with this visit, by a purchase or given up."""


def live(
    needs: Needs,
    users: Users,
    shop: Shop,
    /,
    *,
    dataset: DatasetSettings,
    rhythm: Rhythm,
    draws: np.random.Generator,
) -> tuple[Needs, Visits]:
    """Return all needs, those opened by purchases of consumables included, and all visits before the end."""
    settings = dataset.needs
    generations, visits, known, made = [needs], [], 0, 0
    while len(generations[-1].user):
        current = generations[-1]
        paid = run_visits(current, shop, settings=settings, rhythm=rhythm, draws=draws)
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
        visits = [run_visits(needs, shop, settings=settings, rhythm=rhythm, draws=draws)]
    return concatenate(generations), concatenate(visits)


def run_visits(
    needs: Needs, shop: Shop, /, *, settings: NeedSettings, rhythm: Rhythm, draws: np.random.Generator
) -> Visits:
    """Return the visits of needs up to the end of the period, by number, then by need."""
    until = rhythm.activity_at(np.array(rhythm.end))
    size = len(needs.user)
    wait = draws.exponential(size=size) / needs.pace
    at = np.where(needs.kind == Kind.REPEAT, needs.ready + wait, needs.ready)
    in_cart = np.zeros(size, dtype=bool)
    alive = np.arange(size)
    steps = []
    for number in range(1, int(needs.max_visits.max(initial=1)) + 1):
        alive = alive[at[alive] < until]
        start = rhythm.clock_at(at[alive])
        uniform = draws.random((4, len(alive)))
        carted = (uniform[0] < cart_chance(needs, alive, number, settings)) & ~in_cart[alive]
        in_cart[alive] |= carted
        discount = shop.discount(rhythm.week_at(start), needs.items[alive, 0])
        bought = uniform[1] < purchase_chance(
            needs, alive, number, in_cart=in_cart[alive], discount=discount, settings=settings
        )
        position = choose(needs.shares[alive], uniform[2])
        over = bought | (uniform[3] < needs.abandonment[alive]) | (number >= needs.max_visits[alive])
        steps.append(
            Visits(
                need=alive,
                number=np.full(len(alive), number),
                start=start,
                carted=carted,
                in_cart=in_cart[alive],
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
