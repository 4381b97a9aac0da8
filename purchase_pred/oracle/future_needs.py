"""The chance of a purchase from a need that has not opened yet: small for one item, but never nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.oracle.closed_form import OpenNeeds, purchase_by_visit
from purchase_pred.simulation.arrays import concatenate
from purchase_pred.simulation.needs import CANDIDATES, Kind, describe_needs
from purchase_pred.simulation.streams import Stream, generator, user_blocks
from purchase_pred.simulation.users import DAYS_PER_MONTH, Users, draw_traits

if TYPE_CHECKING:
    import polars as pl

    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.arrays import Floats, Ints
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop

SAMPLE: Final = 2_000
"""Needs of each kind drawn for each persona and category."""
BUDGETS: Final = np.linspace(-4.0, 4.0, 33)


@dataclass(frozen=True)
class Prospects:
    """What users may come to buy beyond the needs they have."""

    users: Users
    pace: Floats
    """Visits per activity day of a journey, by persona."""
    journeys: Floats
    """Mean chance that a journey ends in a purchase at a visit, by (persona, category, visit)."""
    gifts: Floats
    """Mean chance that a gift visit ends in a purchase, by (persona, category)."""
    error: Floats
    """Relative standard error of these means, by (persona, category)."""
    gift_rate: float
    """Gifts per activity day."""
    demand: Floats
    """Sum of the appeal of a category's items, by (week, budget, category)."""
    budget_weight: float

    def time_left(self, user: Ints, span: Floats, /) -> Floats:
        """Return by (row, visit) the mean activity days in which a journey may open to have that visit in a span.

        `user` are positions among all users, from 0; `span` is the activity until the end of the horizon, in days.
        Needs open at random, so this is an integral over the time left.
        """
        pace = self.pace[self.users.persona[user]]
        return _time_after_visits(pace * span, self.journeys.shape[2]) / pace[:, None]

    def purchases(self, user: Ints, week: Ints, time_left: Floats, shop: Shop, /) -> tuple[Floats, Floats]:
        """Return by (row, category) the expected number of purchases from needs yet to open, and its standard error.

        `time_left` is by (row, visit), in the sense of the method of this name; a gift has one visit. The error is that
        of the means over needs drawn: another one for each category.
        """
        weight = self.users.taste[user] * shop.season[week]
        weight /= weight.sum(axis=1, keepdims=True)
        persona = self.users.persona[user]
        alive = ~self.users.bot[user][:, None]
        journeys = self.users.need_rate[user][:, None] * np.einsum("rcv,rv->rc", self.journeys[persona], time_left)
        gifts = self.gift_rate * time_left[:, :1] * self.gifts[persona]
        expected = alive * weight * (journeys + gifts)
        return expected, expected * self.error[persona]

    def share(self, user: Ints, week: Ints, item: Ints, shop: Shop, /) -> Floats:
        """Return the chance that a purchase in the item's category is of this item, by the user's budget."""
        budget = np.abs(self.users.budget[user][:, None] - BUDGETS).argmin(axis=1)
        appeal = np.exp(-self.budget_weight * np.abs(shop.price_level[item] - BUDGETS[budget]))
        share: Floats = _known(shop.popularity[week, item]) * appeal / self.demand[week, budget, shop.category[item]]
        return share


def look_ahead(public: pl.DataFrame, shop: Shop, /, *, dataset: DatasetSettings, rhythm: Rhythm) -> Prospects:
    """Return the prospects of all users: their hidden rates, and means over needs drawn as the world draws them."""
    users = [
        draw_traits(public[rows.start : rows.stop], dataset=dataset, rhythm=rhythm, stocked=shop.stocked, block=block)
        for block, rows in user_blocks(dataset)
    ]
    journeys = _purchases_of(Kind.JOURNEY, shop, dataset, rhythm)
    gifts = _purchases_of(Kind.GIFT, shop, dataset, rhythm)
    total = journeys.sum(axis=3)
    return Prospects(
        users=concatenate(users),
        pace=1.0 / np.array([persona.days_between_visits for persona in dataset.personas.values()]),
        journeys=journeys.mean(axis=2),
        gifts=gifts.sum(axis=3).mean(axis=2),
        error=total.std(axis=2) / np.maximum(total.mean(axis=2), 1e-12) / np.sqrt(SAMPLE),
        gift_rate=dataset.needs.gifts_per_month / DAYS_PER_MONTH,
        demand=_demand(shop, dataset.needs.budget_weight),
        budget_weight=dataset.needs.budget_weight,
    )


def _purchases_of(kind: Kind, shop: Shop, dataset: DatasetSettings, rhythm: Rhythm) -> Floats:
    """Return the chance of a purchase at each visit, by (persona, category, need drawn, visit)."""
    personas, categories = len(dataset.personas), len(dataset.categories)
    shape = (personas, categories, SAMPLE)
    draws = generator(dataset, Stream.TRUTH, int(kind))
    users = _sample_users(shape, shop, dataset, draws)
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
    fresh = OpenNeeds(
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


def _sample_users(
    shape: tuple[int, int, int], shop: Shop, dataset: DatasetSettings, draws: np.random.Generator
) -> Users:
    """Return users of each persona (first axis) with a taste for one category each (second axis)."""
    settings = dataset.users
    persona, category, _ = (each.ravel() for each in np.indices(shape))
    size = len(persona)
    # A category without items stands for itself nowhere; any other keeps the draws in step.
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


def _time_after_visits(visits: Floats, most: int) -> Floats:
    """Return the mean time left after the m-th visit of a need that opens at random in a span, m = 1 ... `most`.

    `visits` is the span in mean times between visits, and so is the result. The first visit is the opening itself, so
    the m-th lies in time with P(Poisson(x) >= m - 1) if x is left; its integral over x from 0 to `visits` is
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
    weeks, categories = len(shop.popularity), len(shop.stocked)
    demand = np.ones((weeks, len(BUDGETS), categories))
    known = _known(shop.popularity)
    for column, budget in enumerate(BUDGETS):
        appeal = known * np.exp(-budget_weight * np.abs(shop.price_level - budget))
        for category in np.flatnonzero(shop.stocked):
            demand[:, column, category] = appeal[:, shop.category == category].sum(axis=1)
    return demand


def _known(popularity: Floats) -> Floats:
    """Return the chance that an item is among those that come to mind for a need."""
    return 1.0 - (1.0 - popularity) ** CANDIDATES
