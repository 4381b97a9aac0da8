"""The latent needs behind the clicks: which items a user considers, and how likely and how soon a purchase is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.simulation.arrays import choose
from purchase_pred.simulation.users import DAYS_PER_MONTH

if TYPE_CHECKING:
    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.arrays import Floats, Ints
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop
    from purchase_pred.simulation.users import Users

LARGEST_SET: Final = 6
"""Most items that are considered for one need."""
CANDIDATES: Final = 14
"""Items drawn by popularity, from which the set is chosen by appeal."""
REPEAT_ABANDONMENT: Final = 0.4
REPEAT_VISITS: Final = 3
NO_ITEM: Final = -1
NO_VISIT: Final = -1


class Kind(IntEnum):
    """The kinds of needs."""

    JOURNEY = 0
    """A search among several items over several visits."""
    GIFT = 1
    """A purchase for somebody else, in one visit."""
    REPEAT = 2
    """Another of a consumable that was bought before."""


@dataclass(frozen=True)
class Needs:
    """Needs of a block of users; all arrays are of one length."""

    user: Ints
    """Position in the block."""
    kind: Ints
    opened: Floats
    """Activity day from which the need exists."""
    ready: Floats
    """Activity day from which visits for it can begin; of a repeat, when the consumable is used up."""
    items: Ints
    """Positions in the shop by rank, the favourite first; `NO_ITEM` beyond the set."""
    shares: Floats
    """Probability of each item of the set, given that something is bought."""
    intent: Floats
    """Log-odds of buying at the first visit, without a discount."""
    sensitivity: Floats
    """Effect of -log(1 - discount of the favourite) on the log-odds of buying."""
    cart_intent: Floats
    """Log-odds of an add_to_cart at the first visit."""
    pace: Floats
    """Visits per activity day."""
    abandonment: Floats
    """Probability that the need is given up after a visit without a purchase."""
    max_visits: Ints
    origin: Ints
    """Position of the visit whose purchase made a repeat necessary, or `NO_VISIT`."""


def draw_needs(
    users: Users,
    shop: Shop,
    /,
    *,
    dataset: DatasetSettings,
    rhythm: Rhythm,
    draws: np.random.Generator,
    until: Floats | None = None,
) -> Needs:
    """Return the journeys and gifts that open between each user's first activity and the end of the period.

    `until` has another end for each user, in activity days.
    """
    span = (rhythm.last_activity if until is None else until) - users.active_from
    length = np.where(users.bot, 0.0, np.maximum(span, 0.0))
    gift_rate = np.full(len(length), dataset.needs.gifts_per_month / DAYS_PER_MONTH)
    rates = np.stack((users.need_rate, gift_rate))
    counts = draws.poisson(rates * length)
    user = np.concatenate([np.repeat(np.arange(len(length)), each) for each in counts])
    kind = np.repeat([Kind.JOURNEY, Kind.GIFT], counts.sum(axis=1)).astype(np.int64)
    opened = users.active_from[user] + draws.random(len(user)) * span[user]
    return describe_needs(user, kind, opened, users=users, shop=shop, dataset=dataset, rhythm=rhythm, draws=draws)


def describe_needs(
    user: Ints,
    kind: Ints,
    opened: Floats,
    /,
    *,
    users: Users,
    shop: Shop,
    dataset: DatasetSettings,
    rhythm: Rhythm,
    draws: np.random.Generator,
) -> Needs:
    """Return journeys and gifts of the given users that open at the given activity days, with their latent traits."""
    settings, gift = dataset.needs, kind == Kind.GIFT
    week = rhythm.week_at(rhythm.clock_at(opened))
    category = choose(users.taste[user] * shop.season[week], draws.random(len(user)))
    items, misfit = _consider(
        week, category, users.budget[user], shop=shop, budget_weight=settings.budget_weight, draws=draws
    )
    size = np.minimum(2 + draws.poisson(settings.extra_items, len(user)), LARGEST_SET)
    size = np.where(gift, 1, size)
    items = np.where(np.arange(LARGEST_SET) < size[:, None], items, NO_ITEM)
    persona = users.persona[user]
    of_persona = list(dataset.personas.values())
    spread = settings.intent_spread * draws.standard_normal(len(user))
    intent = np.array([each.intent for each in of_persona])[persona] + spread
    return Needs(
        user=user,
        kind=kind,
        opened=opened,
        ready=opened,
        items=items,
        shares=_purchase_shares(items, settings.favourite_share, draws),
        intent=np.where(gift, settings.gift_intent, intent - settings.budget_weight * (misfit - 0.5)),
        sensitivity=users.sensitivity[user],
        cart_intent=settings.cart_intent + 0.5 * spread,
        pace=1.0 / np.array([each.days_between_visits for each in of_persona])[persona],
        abandonment=np.where(gift, 1.0, np.array([each.abandonment for each in of_persona])[persona]),
        max_visits=np.where(gift, 1, settings.max_visits),
        origin=np.full(len(user), NO_VISIT),
    )


def repeat_needs(
    user: Ints,
    item: Ints,
    bought: Floats,
    origin: Ints,
    /,
    *,
    users: Users,
    shop: Shop,
    dataset: DatasetSettings,
    draws: np.random.Generator,
) -> Needs:
    """Return the needs for another of a consumable: they open with its purchase and are visited once it is used up."""
    settings, size = dataset.needs, len(user)
    lone = np.arange(LARGEST_SET) == 0
    spread = settings.intent_spread * draws.standard_normal(size)
    return Needs(
        user=user,
        kind=np.full(size, Kind.REPEAT, dtype=np.int64),
        opened=bought,
        ready=bought + shop.repeat_days[item],
        items=np.where(lone, item[:, None], NO_ITEM),
        shares=np.tile(lone.astype(np.float64), (size, 1)),
        intent=settings.repeat_intent + 0.5 * spread,
        sensitivity=users.sensitivity[user],
        cart_intent=settings.cart_intent + 0.5 * spread,
        pace=3.0 / shop.repeat_days[item],
        abandonment=np.full(size, REPEAT_ABANDONMENT),
        max_visits=np.full(size, REPEAT_VISITS, dtype=np.int64),
        origin=origin,
    )


def _consider(
    week: Ints, category: Ints, budget: Floats, /, *, shop: Shop, budget_weight: float, draws: np.random.Generator
) -> tuple[Ints, Floats]:
    """Return distinct items by rank, and the distance of the favourite's price level from the budget."""
    size = len(week)
    shape = (size, CANDIDATES)
    candidates = shop.draw(np.repeat(week, CANDIDATES), np.repeat(category, CANDIDATES), draws.random(shape).ravel())
    items = np.sort(candidates.reshape(shape), axis=1)
    misfit = np.abs(shop.price_level[items] - budget[:, None])
    appeal = draws.gumbel(size=shape) - budget_weight * misfit
    appeal[:, 1:][items[:, 1:] == items[:, :-1]] = -np.inf
    best = np.argsort(-appeal, axis=1, kind="stable")[:, :LARGEST_SET]
    ranked = np.where(
        np.isfinite(np.take_along_axis(appeal, best, axis=1)), np.take_along_axis(items, best, axis=1), NO_ITEM
    )
    return ranked, np.take_along_axis(misfit, best[:, :1], axis=1)[:, 0]


def _purchase_shares(items: Ints, favourite_share: float, draws: np.random.Generator) -> Floats:
    concentration = 12.0
    favourite = draws.beta(concentration * favourite_share, concentration * (1.0 - favourite_share), len(items))
    rivals = (items[:, 1:] != NO_ITEM) / np.arange(1, items.shape[1])
    total = rivals.sum(axis=1)
    alone = total == 0
    favourite[alone] = 1.0
    rest = rivals * ((1.0 - favourite) / np.where(alone, 1.0, total))[:, None]
    return np.concatenate((favourite[:, None], rest), axis=1)
