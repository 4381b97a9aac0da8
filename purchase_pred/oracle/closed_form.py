"""The probability that a need ends in a purchase in time, in closed form: a Markov chain whose steps are visits.

Visits for a need arrive as a Poisson process in activity time; each one moves the chain by one step.
"""

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
class NeedState:
    """The latent state of needs at their prediction times; all arrays are of one length."""

    intent: Floats
    """Log-odds of buying at the first visit, without a discount."""
    sensitivity: Floats
    """Effect of -log(1 - discount) on these log-odds."""
    cart_intent: Floats
    """Log-odds of an add_to_cart at the first visit."""
    pace: Floats
    """Visits per activity day."""
    abandonment: Floats
    """Probability that the need is given up after a visit without a purchase."""
    max_visits: Ints
    visit: Ints
    """Number of the visit whose outcome is decided next."""
    within: Bools
    """That visit has begun, and it is known whether it puts something into the cart."""
    in_cart: Bools
    """Something is in the cart."""
    discount: Floats
    """Discount of the favourite item when it is on promotion, a share of the base price."""
    promoted: Floats
    """1 if the favourite is on promotion in the week of the prediction time, else 0."""
    promotion_share: Floats
    """Probability that it is on promotion in any later week."""


@dataclass(frozen=True)
class _VisitChances:
    """Probabilities at each visit (columns), for needs (rows)."""

    cart: Floats
    buy: Floats
    """By (need, visit, in cart)."""
    stay: Floats
    """Probability that the need stays alive after a visit without a purchase."""


def purchase_now(needs: NeedState, /, *, settings: NeedSettings) -> tuple[Floats, Floats]:
    """Return P(the next decided visit ends in a purchase) and P(the need stays alive | it does not).

    Whether that visit puts something into the cart is taken as known, as it is for visits that have begun.
    """
    risen = np.minimum(needs.visit - 1, LAST_RISE)
    log_odds = needs.intent - needs.promoted * needs.sensitivity * np.log1p(-needs.discount)
    buy = logistic(log_odds + settings.rise_per_visit * risen + settings.cart_lift * needs.in_cart)
    return buy, (needs.visit < needs.max_visits) * (1.0 - needs.abandonment)


def purchase_later(needs: NeedState, alive: Floats, weeks: Floats, /, *, settings: NeedSettings) -> Floats:
    """Return the probability of a purchase in visits not yet begun, until the end of the given weeks.

    Parameters
    ----------
    needs
        The needs at the prediction time.
    alive
        For a need whose visit has begun, the probability that this visit ends without a purchase and the need stays
        alive; not used for the others.
    weeks
        By (need, week): activity days in which visits for the need can begin. The first column is what is left of the
        week of the prediction time, whose promotions are known; the later ones are whole weeks, whose promotions are
        not.

    Notes
    -----
    Visits in an activity span L are Poisson with mean pace * L, and each visit moves the state (number of the visit,
    something in the cart) by one step. So the probability is the sum over k of P(at least k visits) times P(bought at
    visit k). Promotions of later weeks are independent, so the states reached with and without one are mixed at the end
    of each week. Exact, except that the time that the visits themselves take is ignored.
    """
    rows = np.arange(len(needs.visit))
    state = np.zeros((len(rows), int(needs.max_visits.max(initial=1)) + 1, 2))
    state[rows, needs.visit - 1 + needs.within, needs.in_cart.astype(np.int64)] = np.where(needs.within, alive, 1.0)
    chances = [_visit_chances(needs, promoted, settings, state.shape[1]) for promoted in (0.0, 1.0)]
    total = np.zeros(len(rows))
    for week in range(weeks.shape[1]):
        share = needs.promoted if week == 0 else needs.promotion_share
        reached = np.zeros_like(state)
        for weight, each in zip((1.0 - share, share), chances, strict=True):
            bought, after = _span(state, each, needs.pace * weeks[:, week])
            total += weight * bought
            reached += weight[:, None, None] * after
        state = reached
    return total


def purchase_by_visit(needs: NeedState, /, *, settings: NeedSettings) -> Floats:
    """Return by (need, visit) the probability that a need without visits so far ends in a purchase at that visit."""
    visits = int(needs.max_visits.max(initial=1))
    chances = [_visit_chances(needs, promoted, settings, visits + 1) for promoted in (0.0, 1.0)]
    shares = (1.0 - needs.promotion_share, needs.promotion_share)
    state = np.zeros((len(needs.visit), visits + 1, 2))
    state[:, 0, 0] = 1.0
    bought = np.empty((len(needs.visit), visits))
    for visit in range(visits):
        steps = [_visit(state, each) for each in chances]
        bought[:, visit] = sum(share * step[0] for share, step in zip(shares, steps, strict=True))
        state = sum(
            (share[:, None, None] * step[1] for share, step in zip(shares, steps, strict=True)), np.zeros_like(state)
        )
    return bought


def _visit_chances(needs: NeedState, promoted: float, settings: NeedSettings, visits: int) -> _VisitChances:
    number = np.arange(1, visits + 1)
    risen = np.minimum(number - 1, LAST_RISE)
    log_odds = (needs.intent - promoted * needs.sensitivity * np.log1p(-needs.discount))[:, None]
    bare = log_odds + settings.rise_per_visit * risen
    more_to_come = number < needs.max_visits[:, None]
    return _VisitChances(
        cart=logistic(needs.cart_intent[:, None] + settings.cart_rise * risen),
        buy=np.stack((logistic(bare), logistic(bare + settings.cart_lift)), axis=2),
        stay=more_to_come * (1.0 - needs.abandonment)[:, None],
    )


def _visit(state: Floats, chances: _VisitChances) -> tuple[Floats, Floats]:
    """Return the probability of a purchase at the next visit from each state, and the states after that visit."""
    carted = state.copy()
    put = state[:, :, 0] * chances.cart
    carted[:, :, 0] -= put
    carted[:, :, 1] += put
    bought = carted * chances.buy
    after = np.zeros_like(state)
    after[:, 1:] = ((carted - bought) * chances.stay[:, :, None])[:, :-1]
    return bought.sum(axis=(1, 2)), after


def _span(state: Floats, chances: _VisitChances, visits: Floats) -> tuple[Floats, Floats]:
    """Return the probability of a purchase in a span with Poisson(`visits`) visits, and the states at its end."""
    exactly = np.exp(-visits)
    at_most = exactly.copy()
    total = np.zeros(len(visits))
    reached = exactly[:, None, None] * state
    for count in range(1, state.shape[1]):
        bought, state = _visit(state, chances)
        total += (1.0 - at_most) * bought
        exactly = exactly * visits / count
        at_most += exactly
        reached += exactly[:, None, None] * state
    return total, reached
