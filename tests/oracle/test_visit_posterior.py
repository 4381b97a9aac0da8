"""The posterior of a visit's outcome given its clicks, against the frequencies of visits drawn one by one."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from purchase_pred.oracle.visit_posterior import PageView, VisitState, visit_posterior
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.simulation import simulate_catalog
from purchase_pred.simulation.needs import NO_ITEM
from purchase_pred.simulation.rhythm import build_rhythm
from purchase_pred.simulation.shop import open_shop

if TYPE_CHECKING:
    from purchase_pred.settings.simulator import VisitSettings

DATASET = DatasetSettings(num_users=1, num_items=60, num_days=30)
SHOP = open_shop(simulate_catalog(DATASET), dataset=DATASET, rhythm=build_rhythm(DATASET))
LAWS = DATASET.visits.model_copy(update={"remove": 0.5, "spare_cart": 0.1})
SET = np.flatnonzero(SHOP.category == SHOP.category[-1])[:3]
SHARES = (0.6, 0.3, 0.1)
BUY, STAY, NUMBER, WEEK = 0.4, 0.7, 2, 3


def laws_of(*, carted: bool) -> VisitSettings:
    """Return the laws; what is put into the cart and bought without a view could not be told from the look before."""
    return LAWS.model_copy(update={"direct_purchase": 0.0 if carted else 0.2})


def drawn_visit(random: Random, *, carted: bool, in_cart: bool) -> tuple[int | None, bool, list[tuple[int, str]]]:
    """Return what a visit buys, whether the need lives on, and its clicks, as the world makes them."""
    laws = laws_of(carted=carted)
    item = random.choices(SET, SHARES)[0] if random.random() < BUY else None
    lives = item is None and random.random() < STAY
    dropped = item is None and not lives and in_cart and random.random() < laws.remove
    looks, budget = 1, np.exp(-laws.need_looks)
    while (budget := budget / random.random()) < 1.0:
        looks += 1
    clicks: list[tuple[int, str]] = []
    for look in range(looks):
        if look == looks - 1 and (item is not None or carted or dropped):
            shown = SET[0] if item is None else item
            kinds = [] if item is not None and random.random() < laws.direct_purchase else ["view"]
            kinds += ["add_to_cart"] * carted + ["remove_from_cart"] * dropped + ["purchase"] * (item is not None)
        else:
            astray = random.random() < laws.distraction
            weights = (1.0 + laws.familiarity * NUMBER, 1.0, 1.0)
            same = np.flatnonzero(SHOP.category == SHOP.category[-1])
            popularity = SHOP.popularity[WEEK, same]
            shown = random.choices(same, popularity)[0] if astray else random.choices(SET, weights)[0]
            spare = laws.spare_cart_with_cart if carted else laws.spare_cart
            kinds = ["view"]
            if not astray and random.random() < spare:
                kinds += ["add_to_cart"] + ["remove_from_cart"] * (random.random() < laws.remove)
        clicks += [(int(shown), kind) for kind in kinds]
    return item, lives, clicks


def answer(clicks: list[tuple[int, str]], *, carted: bool, in_cart: bool, wanted: int | None) -> tuple[float, float]:
    """Return what `visit_posterior` says of one visit after its clicks."""
    views = [place for place, click in enumerate(clicks) if click[1] == "view"]
    since = [kind for _, kind in clicks[views[-1] :]]
    padding = 3
    state = VisitState(
        items=np.array([[*SET, *[NO_ITEM] * padding]]),
        shares=np.array([[*SHARES, *[0.0] * padding]]),
        number=np.array([NUMBER]),
        repeat=np.array([False]),
        carted=np.array([carted]),
        in_cart=np.array([in_cart]),
        buy=np.array([BUY]),
        stay=np.array([STAY]),
        week=np.array([WEEK]),
    )
    view = PageView(
        views=np.array([len(views)]),
        item=np.array([clicks[views[-1]][0]]),
        cart=np.array(["add_to_cart" in since]),
        remove=np.array(["remove_from_cart" in since]),
    )
    item = None if wanted is None else np.array([wanted])
    bought, lives = visit_posterior(state, view, wanted=item, shop=SHOP, settings=laws_of(carted=carted))
    return float(bought[0]), float(lives[0])


@pytest.mark.parametrize(("carted", "in_cart"), [(False, False), (False, True), (True, True)])
@pytest.mark.parametrize("rank", [0, 1, None])
def test_the_chances_equal_the_frequencies_after_every_click(carted, in_cart, rank):
    random = Random(7)  # noqa: S311  (a test case, not a secret)
    wanted = None if rank is None else int(SET[rank])
    known: dict[tuple[object, ...], tuple[float, float]] = {}
    seen: dict[tuple[object, ...], list[tuple[bool, bool]]] = {}
    for _ in range(30_000):
        item, lives, clicks = drawn_visit(random, carted=carted, in_cart=in_cart)
        for end in range(1, len(clicks) + 1):
            past = clicks[:end]
            if past[0][1] != "view" or past[-1][1] == "purchase":
                continue
            views = [place for place, click in enumerate(past) if click[1] == "view"]
            state = (len(views), past[-1][0], tuple(kind for _, kind in past[views[-1] :]))
            if state not in known:
                known[state] = answer(past, carted=carted, in_cart=in_cart, wanted=wanted)
            hit = item is not None and (wanted is None or item == wanted)
            seen.setdefault(state, []).append((hit, lives))
    for state, outcomes in seen.items():
        if len(outcomes) >= 200:
            for chance, share in zip(known[state], np.mean(outcomes, axis=0), strict=True):
                allowed = 4.5 * np.sqrt(max(chance * (1 - chance), 1e-3) / len(outcomes))
                assert share == pytest.approx(chance, abs=allowed), (state, len(outcomes))


@pytest.mark.parametrize("item", [NO_ITEM, int(np.flatnonzero(SHOP.category != SHOP.category[-1])[0])])
def test_clicks_that_no_visit_for_the_need_can_make_tell_nothing(item):
    bought, lives = answer([(item, "view")], carted=False, in_cart=False, wanted=None)
    assert (bought, lives) == pytest.approx((BUY, (1 - BUY) * STAY))
