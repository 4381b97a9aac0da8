"""Purchases from needs that open after T: expected numbers by user and category, and the share of each item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.oracle.closed_form import NeedState, purchase_by_visit
from purchase_pred.simulation.needs import CANDIDATES, Kind, describe_needs
from purchase_pred.simulation.streams import Stream, generator
from purchase_pred.simulation.users import DAYS_PER_MONTH, Users

if TYPE_CHECKING:
    from purchase_pred.oracle.world import World
    from purchase_pred.simulation.arrays import Floats, Ints
    from purchase_pred.simulation.shop import Shop

SAMPLE: Final = 2_000
"""Needs of each kind drawn for each persona and category."""
BUDGETS: Final = np.linspace(-4.0, 4.0, 33)
"""Budgets for which the demand is tabulated; a user's is rounded to the nearest."""


@dataclass(frozen=True)
class FutureNeeds:
    """Rates and outcomes of the needs that users may come to have."""

    world: World
    pace: Floats
    """Visits per activity day of a journey, by persona."""
    journeys: Floats
    """Mean probability that a journey ends in a purchase at a visit, by (persona, category, visit)."""
    gifts: Floats
    """Mean probability that a gift visit ends in a purchase, by (persona, category)."""
    error: Floats
    """Relative standard error of these means, by (persona, category)."""
    demand: Floats
    """Sum of the appeal of a category's items, by (week, budget, category)."""

    def exposure(self, user: Ints, span: Floats, /) -> Floats:
        """Return by (row, visit) the mean activity days in which a journey can open whose visit falls into a span.

        `user` are positions among all users, from 0; `span` is in activity days from T to the end of the horizon. Needs
        open as a Poisson process, so this is an integral over the opening times in the span.
        """
        pace = self.pace[self.world.users.persona[user]]
        return _exposure_in_visits(pace * span, self.journeys.shape[2]) / pace[:, None]

    def purchases(self, user: Ints, week: Ints, exposure: Floats, /) -> tuple[Floats, Floats]:
        """Return by (row, category) the expected number of purchases from future needs, and its standard error.

        `exposure` is by (row, visit), as the method of this name returns it; a gift has one visit. The standard error
        is that of the means over sampled needs, which are independent between categories.
        """
        users, shop = self.world.users, self.world.shop
        weight = users.taste[user] * shop.season[week]
        weight /= weight.sum(axis=1, keepdims=True)
        persona = users.persona[user]
        person = ~users.bot[user][:, None]
        journeys = users.need_rate[user][:, None] * np.einsum("rcv,rv->rc", self.journeys[persona], exposure)
        gift_rate = self.world.dataset.needs.gifts_per_month / DAYS_PER_MONTH
        gifts = gift_rate * exposure[:, :1] * self.gifts[persona]
        expected = person * weight * (journeys + gifts)
        return expected, expected * self.error[persona]

    def share(self, user: Ints, week: Ints, item: Ints, /) -> Floats:
        """Return the probability that a purchase in the item's category is of this item, given the user's budget."""
        shop, budget_weight = self.world.shop, self.world.dataset.needs.budget_weight
        budget = np.abs(self.world.users.budget[user][:, None] - BUDGETS).argmin(axis=1)
        appeal = np.exp(-budget_weight * np.abs(shop.price_level[item] - BUDGETS[budget]))
        share: Floats = _known(shop.popularity[week, item]) * appeal / self.demand[week, budget, shop.category[item]]
        return share


def sample_future_needs(world: World, /) -> FutureNeeds:
    """Return the future needs of a world: means over needs drawn by the functions that draw the world."""
    dataset = world.dataset
    journeys, gifts = _purchases_of(Kind.JOURNEY, world), _purchases_of(Kind.GIFT, world)
    total = journeys.sum(axis=3)
    return FutureNeeds(
        world=world,
        pace=1.0 / np.array([persona.days_between_visits for persona in dataset.personas.values()]),
        journeys=journeys.mean(axis=2),
        gifts=gifts.sum(axis=3).mean(axis=2),
        error=total.std(axis=2) / np.maximum(total.mean(axis=2), 1e-12) / np.sqrt(SAMPLE),
        demand=_demand(world.shop, dataset.needs.budget_weight),
    )


def _purchases_of(kind: Kind, world: World) -> Floats:
    """Return the probability of a purchase at each visit, by (persona, category, sampled need, visit)."""
    dataset, shop, rhythm = world.dataset, world.shop, world.rhythm
    personas, categories = len(dataset.personas), len(dataset.categories)
    shape = (personas, categories, SAMPLE)
    draws = generator(dataset, Stream.TRUTH, int(kind))
    users = _sample_users(shape, world, draws)
    size = len(users.user_id)
    needs = describe_needs(
        np.arange(size),
        np.full(size, kind, dtype=np.int64),
        draws.random(size) * rhythm.last_activity,
        users=users,
        shop=shop,
        dataset=dataset,
        rhythm=rhythm,
        draws=draws,
    )
    favourite = needs.items[:, 0]
    fresh = NeedState(
        intent=needs.intent,
        sensitivity=needs.sensitivity,
        cart_intent=needs.cart_intent,
        pace=needs.pace,
        abandonment=needs.abandonment,
        max_visits=needs.max_visits,
        visit=np.ones(size, dtype=np.int64),
        within=np.zeros(size, dtype=bool),
        in_cart=np.zeros(size, dtype=bool),
        discount=shop.depth[favourite],
        promoted=np.zeros(size),
        promotion_share=shop.promotion_share[favourite],
    )
    stocked = shop.stocked[None, :, None, None]
    return purchase_by_visit(fresh, settings=dataset.needs).reshape(*shape, -1) * stocked


def _sample_users(shape: tuple[int, int, int], world: World, draws: np.random.Generator) -> Users:
    """Return users of each persona (first axis) with a taste for one category each (second axis)."""
    settings, shop = world.dataset.users, world.shop
    persona, category, _ = (each.ravel() for each in np.indices(shape))
    size = len(persona)
    # Nothing can be drawn from a category without items; another takes its place, so that the draws are as many.
    category = np.where(shop.stocked[category], category, np.flatnonzero(shop.stocked)[0])
    nobody = np.zeros(size, dtype=bool)
    return Users(
        user_id=np.arange(size),
        persona=persona,
        active_from=np.zeros(size),
        registered=np.zeros(size, dtype=np.int64),
        idle_rate=np.zeros(size),
        need_rate=np.zeros(size),
        taste=np.eye(shape[1])[category],
        sensitivity=settings.price_sensitivity * np.exp(settings.sensitivity_spread * draws.standard_normal(size)),
        budget=draws.standard_normal(size),
        hoarder=nobody,
        bot=nobody,
    )


def _exposure_in_visits(visits: Floats, most: int) -> Floats:
    """Return the time in which a need can open whose m-th visit falls into a span, on average, m = 1 ... `most`.

    The span, `visits`, and the result are in mean times between visits. The first visit is the opening itself, so the
    m-th falls into the span with P(Poisson(x) >= m - 1) if x of it is left; the integral over x from 0 to `visits` is
    visits - sum over i = 1 ... m - 1 of P(Poisson(visits) >= i).
    """
    left = np.empty((len(visits), most))
    exactly = np.exp(-visits)
    below = exactly.copy()
    left[:, 0] = visits
    for count in range(1, most):
        left[:, count] = left[:, count - 1] - (1.0 - below)
        exactly = exactly * visits / count
        below += exactly
    return left


def _demand(shop: Shop, budget_weight: float) -> Floats:
    """Return the sum of the appeal of a category's items, by (week, budget, category)."""
    weeks, categories = len(shop.popularity), len(shop.stocked)
    demand = np.ones((weeks, len(BUDGETS), categories))
    known = _known(shop.popularity)
    for column, budget in enumerate(BUDGETS):
        appeal = known * np.exp(-budget_weight * np.abs(shop.price_level - budget))
        for category in np.flatnonzero(shop.stocked):
            demand[:, column, category] = appeal[:, shop.category == category].sum(axis=1)
    return demand


def _known(popularity: Floats) -> Floats:
    """Return the probability that an item is among the candidates of a need."""
    return 1.0 - (1.0 - popularity) ** CANDIDATES
