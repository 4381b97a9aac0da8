"""The chance that a need ends in a purchase in time, in closed form: visits are a Markov chain on a Poisson clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from purchase_pred.simulation.arrays import logistic
from purchase_pred.simulation.journeys import LAST_RISE

if TYPE_CHECKING:
    from purchase_pred.settings.simulator import NeedSettings
    from purchase_pred.simulation.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class OpenNeeds:
    """Needs as they stand at a moment; all arrays are of one length."""

    intent: Floats
    sensitivity: Floats
    cart_intent: Floats
    pace: Floats
    abandonment: Floats
    max_visits: Ints
    visit: Ints
    """Number of the visit that is decided next."""
    within: Bools
    """That visit is under way, and whether it fills the cart is settled."""
    in_cart: Bools
    discount: Floats
    """What the favourite is reduced by when it is on promotion, a share of the base price."""
    promoted: Floats
    """Whether it is on promotion now: 0 or 1."""
    promotion_share: Floats
    """Chance that it is on promotion in a week to come."""


@dataclass(frozen=True)
class _Odds:
    """Chances at each visit (columns), for needs (rows)."""

    cart: Floats
    buy: Floats
    """By (need, visit, in cart)."""
    stay: Floats
    """Chance that the need lives on after a visit without a purchase."""


def purchase_now(needs: OpenNeeds, /, *, settings: NeedSettings) -> tuple[Floats, Floats]:
    """Return the chances that the visit decided next ends in a purchase, and that the need lives on if it does not.

    Whether that visit fills the cart counts as settled: so it is for visits under way.
    """
    risen = np.minimum(needs.visit - 1, LAST_RISE)
    log_odds = needs.intent - needs.promoted * needs.sensitivity * np.log1p(-needs.discount)
    buy = logistic(log_odds + settings.rise_per_visit * risen + settings.cart_lift * needs.in_cart)
    return buy, (needs.visit < needs.max_visits) * (1.0 - needs.abandonment)


def purchase_later(needs: OpenNeeds, lives: Floats, weeks: Floats, /, *, settings: NeedSettings) -> Floats:
    """Return the chance of a purchase, in visits not yet begun, until the end of the given weeks.

    Parameters
    ----------
    needs
        The needs at the moment of the prediction.
    lives
        Chance that a need whose visit is under way outlives it, without a purchase; not used for others.
    weeks
        By (need, week): days of the shop's activity in which the need is visited for, from the moment on: in the rest
        of the present week, whose promotion is known, and in each later one, whose promotion is not.

    Notes
    -----
    Visits in an activity span L are Poisson with mean pace * L, and each visit moves the state (number of the visit,
    something in the cart) once. So the chance is a finite sum over the number of visits of P(at least so many visits)
    times P(bought at that visit). Promotions of weeks to come are independent, so the states reached with and without
    one are mixed at the end of each week. Exact but for the length of the visits themselves.
    """
    rows = np.arange(len(needs.visit))
    state = np.zeros((len(rows), int(needs.max_visits.max(initial=1)) + 1, 2))
    state[rows, needs.visit - 1 + needs.within, needs.in_cart.astype(np.int64)] = np.where(needs.within, lives, 1.0)
    odds = [_odds(needs, promoted, settings, state.shape[1]) for promoted in (0.0, 1.0)]
    total = np.zeros(len(rows))
    for week in range(weeks.shape[1]):
        share = needs.promoted if week == 0 else needs.promotion_share
        reached = np.zeros_like(state)
        for chance, each in zip((1.0 - share, share), odds, strict=True):
            bought, after = _span(state, each, needs.pace * weeks[:, week])
            total += chance * bought
            reached += chance[:, None, None] * after
        state = reached
    return total


def purchase_by_visit(needs: OpenNeeds, /, *, settings: NeedSettings) -> Floats:
    """Return by (need, visit) the chance that a need ends in a purchase at that visit, seen from before the first."""
    visits = int(needs.max_visits.max(initial=1))
    odds = [_odds(needs, promoted, settings, visits + 1) for promoted in (0.0, 1.0)]
    shares = (1.0 - needs.promotion_share, needs.promotion_share)
    state = np.zeros((len(needs.visit), visits + 1, 2))
    state[:, 0, 0] = 1.0
    bought = np.empty((len(needs.visit), visits))
    for visit in range(visits):
        steps = [_visit(state, each) for each in odds]
        bought[:, visit] = sum(share * step[0] for share, step in zip(shares, steps, strict=True))
        state = sum(
            (share[:, None, None] * step[1] for share, step in zip(shares, steps, strict=True)), np.zeros_like(state)
        )
    return bought


def _odds(needs: OpenNeeds, promoted: float, settings: NeedSettings, visits: int) -> _Odds:
    number = np.arange(1, visits + 1)
    risen = np.minimum(number - 1, LAST_RISE)
    log_odds = (needs.intent - promoted * needs.sensitivity * np.log1p(-needs.discount))[:, None]
    bare = log_odds + settings.rise_per_visit * risen
    lives = number < needs.max_visits[:, None]
    return _Odds(
        cart=logistic(needs.cart_intent[:, None] + settings.cart_rise * risen),
        buy=np.stack((logistic(bare), logistic(bare + settings.cart_lift)), axis=2),
        stay=lives * (1.0 - needs.abandonment)[:, None],
    )


def _visit(state: Floats, odds: _Odds) -> tuple[Floats, Floats]:
    """Return what is bought at one visit of each state, and the states after it."""
    carted = state.copy()
    put = state[:, :, 0] * odds.cart
    carted[:, :, 0] -= put
    carted[:, :, 1] += put
    bought = carted * odds.buy
    after = np.zeros_like(state)
    after[:, 1:] = ((carted - bought) * odds.stay[:, :, None])[:, :-1]
    return bought.sum(axis=(1, 2)), after


def _span(state: Floats, odds: _Odds, visits: Floats) -> tuple[Floats, Floats]:
    """Return what is bought in a span with Poisson(`visits`) visits, and the states at its end."""
    exactly = np.exp(-visits)
    at_most = exactly.copy()
    total = np.zeros(len(visits))
    reached = exactly[:, None, None] * state
    for count in range(1, state.shape[1]):
        bought, state = _visit(state, odds)
        total += (1.0 - at_most) * bought
        exactly = exactly * visits / count
        at_most += exactly
        reached += exactly[:, None, None] * state
    return total, reached
