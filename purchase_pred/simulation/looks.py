"""The items looked at in each visit, and what is done with each: the step from visits to clicks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.simulation.arrays import choose, positions
from purchase_pred.simulation.needs import NO_ITEM, Kind
from purchase_pred.simulation.rhythm import US_PER_DAY

if TYPE_CHECKING:
    from purchase_pred.settings.simulator import DatasetSettings, VisitSettings
    from purchase_pred.simulation.arrays import Bools, Floats, Ints
    from purchase_pred.simulation.journeys import Visits
    from purchase_pred.simulation.needs import Needs
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop
    from purchase_pred.simulation.users import Users

CATEGORY_CHANGE: Final = 0.2
"""Probability that an item looked at without a need is not of the category that the visit began with."""
BOT_DWELL: Final = 0.03
"""Dwell time of a crawler, relative to a person's."""
CROWDED: Final = 2.0
"""Variance over mean, less 1, of the number of further items in an idle visit: a few visits are very long."""


@dataclass(frozen=True)
class Looks:
    """Items looked at, in order; all arrays are of one length, and the looks of a visit are adjacent."""

    user: Ints
    """Position in the block."""
    visit: Ints
    """Number of the visit, never descending."""
    start: Ints
    """Start of the visit, microseconds since the start of the period."""
    item: Ints
    dwell: Floats
    """Dwell time relative to an idle visitor's."""
    view: Bools
    scroll: Bools
    cart: Bools
    remove: Bools
    purchase: Bools


def need_looks(
    visits: Visits,
    needs: Needs,
    shop: Shop,
    /,
    *,
    dataset: DatasetSettings,
    rhythm: Rhythm,
    draws: np.random.Generator,
) -> Looks:
    """Return the looks of visits for needs; the last one is at what is carted, bought or taken out of the cart."""
    settings, size = dataset.visits, len(visits.need)
    bought = visits.item != NO_ITEM
    dropped = visits.over & ~bought & visits.in_cart & (draws.random(size) < settings.remove)
    decided = bought | visits.carted | dropped
    wanted = np.where(needs.kind[visits.need] == Kind.REPEAT, 0.0, settings.need_looks)
    counts = draws.poisson(wanted) + 1
    visit = np.repeat(np.arange(size), counts)
    need = visits.need[visit]
    last = decided[visit] & (positions(counts) == counts[visit] - 1)
    uniform = draws.random((7, len(visit)))
    considered = last | (uniform[0] >= settings.distraction)
    among = _among_the_set(
        needs.items[need], settings.familiarity * visits.number[visit].astype(np.float64), uniform[1:3]
    )
    week = rhythm.week_at(visits.start[visit])
    favourite = needs.items[need, 0]
    item = np.where(considered, among, shop.draw(week, shop.category[favourite], uniform[3]))
    item = np.where(last, np.where(bought, visits.item, needs.items[visits.need, 0])[visit], item)
    carted = visits.carted[visit]
    spare_chance = np.where(carted, settings.spare_cart_with_cart, settings.spare_cart)
    spare = considered & ~last & (uniform[4] < spare_chance)
    purchase = last & bought[visit]
    view = ~(purchase & (uniform[5] < settings.direct_purchase))
    return Looks(
        user=needs.user[need],
        visit=visit,
        start=visits.start[visit],
        item=item,
        dwell=np.where(considered & (item == favourite), settings.need_dwell**2, settings.need_dwell),
        view=view,
        scroll=view & (uniform[6] < settings.need_scroll),
        cart=spare | (last & carted),
        remove=(spare & (draws.random(len(visit)) < settings.remove)) | (last & dropped[visit]),
        purchase=purchase,
    )


def idle_looks(
    users: Users, shop: Shop, /, *, dataset: DatasetSettings, rhythm: Rhythm, draws: np.random.Generator
) -> Looks:
    """Return the looks of visits without a need: idle browsing, and the crawlers' rounds."""
    settings = dataset.visits
    user, start = idle_visits(users, settings=settings, rhythm=rhythm, draws=draws)
    category = choose(users.taste[user] * shop.season[rhythm.week_at(start)], draws.random(len(user)))
    wanted = np.where(users.bot, settings.bot_looks, settings.idle_looks)[user]
    counts = 1 + draws.poisson(draws.gamma(wanted / CROWDED, CROWDED))
    visit = np.repeat(np.arange(len(user)), counts)
    other = choose(users.taste[user[visit]], draws.random(len(visit)))
    within = np.where(draws.random(len(visit)) < CATEGORY_CHANGE, other, category[visit])
    uniform = draws.random((4, len(visit)))
    bot, hoarder = users.bot[user[visit]], users.hoarder[user[visit]]
    cart = ~bot & (uniform[1] < np.where(hoarder, settings.hoarder_cart, settings.idle_cart))
    return Looks(
        user=user[visit],
        visit=visit,
        start=start[visit],
        item=shop.draw(rhythm.week_at(start[visit]), within, uniform[0]),
        dwell=np.where(bot, BOT_DWELL, 1.0),
        view=np.ones(len(visit), dtype=bool),
        scroll=~bot & (uniform[2] < settings.idle_scroll),
        cart=cart,
        remove=cart & (uniform[3] < settings.remove),
        purchase=np.zeros(len(visit), dtype=bool),
    )


def idle_visits(
    users: Users,
    /,
    *,
    settings: VisitSettings,
    rhythm: Rhythm,
    draws: np.random.Generator,
    until: Floats | None = None,
) -> tuple[Ints, Ints]:
    """Return user and start of the visits without a need, by user, up to the end of the period.

    `until` has another end for each user, in activity days.
    """
    begin = np.maximum(users.active_from, rhythm.activity_at(np.array(-US_PER_DAY)))
    span = np.maximum((rhythm.last_activity if until is None else until) - begin, 0.0)
    rate = np.where(users.bot, settings.bot_visits_per_day, users.idle_rate)
    user = np.repeat(np.arange(len(rate)), draws.poisson(rate * span))
    return user, rhythm.clock_at(begin[user] + draws.random(len(user)) * span[user])


def _among_the_set(items: Ints, familiarity: Floats, uniform: Floats) -> Ints:
    """Return an item of each set; the favourite has the weight 1 + familiarity, the others 1."""
    size = (items != NO_ITEM).sum(axis=1)
    favourite = uniform[0] * (familiarity + size) < familiarity + 1.0
    other = 1 + (uniform[1] * (size - 1)).astype(np.int64)
    return items[np.arange(len(items)), np.where(favourite, 0, other)]
