"""BG/NBD: who still buys, from how often and how recently a customer bought.

P. S. Fader, B. G. S. Hardie, K. L. Lee, "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model,
Marketing Science 24 (2005) 275-284. Purchases of an active customer form a Poisson process of rate lambda, lambda is
gamma(r, alpha) over customers; after each purchase the customer drops out with probability p, p is beta(a, b).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

if TYPE_CHECKING:
    from numpy.typing import NDArray

_START: Final = (1.0, 30.0, 1.0, 1.0)


@dataclass(frozen=True)
class Histories:
    """What the model needs to know of each customer; times in days."""

    repeats: NDArray[np.float64]
    """x: days with a purchase after the first such day."""
    last: NDArray[np.float64]
    """t_x: from the first day with a purchase to the last; 0 without repeats."""
    age: NDArray[np.float64]
    """T: from the first day with a purchase to now."""


@dataclass(frozen=True)
class BGNBD:
    """The four parameters."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, known: Histories, /) -> float:
        """Return the log-likelihood: the paper's likelihood of a randomly chosen customer, summed over customers."""
        x = known.repeats
        counted = gammaln(self.r + x) - gammaln(self.r) + self.r * np.log(self.alpha)
        stayed = betaln(self.a, self.b + x) - betaln(self.a, self.b)
        active = -(self.r + x) * np.log(self.alpha + known.age)
        gone = np.log(self.a) - np.log(self.b + np.maximum(x, 1) - 1) - (self.r + x) * np.log(self.alpha + known.last)
        return float(np.sum(counted + stayed + np.logaddexp(active, np.where(x > 0, gone, -np.inf))))

    def chance_of_purchase(self, known: Histories, /, *, days: float) -> NDArray[np.float64]:
        """Return P(at least one purchase in the next `days`) of each customer.

        P(active at T) times 1 - E[exp(-lambda t)]: given that a customer is active, lambda is gamma(r + x, alpha + T).
        """
        x = known.repeats
        times = ((self.alpha + known.age) / (self.alpha + known.last)) ** (self.r + x)
        active = 1.0 / (1.0 + np.where(x > 0, self.a / (self.b + np.maximum(x, 1) - 1) * times, 0.0))
        none = ((self.alpha + known.age) / (self.alpha + known.age + days)) ** (self.r + x)
        chance: NDArray[np.float64] = active * (1.0 - none)
        return chance

    def expected_purchases(self, known: Histories, /, *, days: float) -> NDArray[np.float64]:
        """Return E[purchases in the next `days`] of each customer, equation 10 of the paper."""
        x, later = known.repeats, self.alpha + known.age + days
        slowed = ((self.alpha + known.age) / later) ** (self.r + x)
        series = hyp2f1(self.r + x, self.b + x, self.a + self.b + x - 1.0, days / later)
        times = ((self.alpha + known.age) / (self.alpha + known.last)) ** (self.r + x)
        gone = np.where(x > 0, self.a / (self.b + np.maximum(x, 1) - 1) * times, 0.0)
        expected: NDArray[np.float64] = (
            (self.a + self.b + x - 1.0) / (self.a - 1.0) * (1.0 - slowed * series) / (1.0 + gone)
        )
        return expected


def fit_bgnbd(known: Histories, /) -> BGNBD:
    """Fit by maximum likelihood, on the logarithms of the parameters."""

    def loss(logarithms: NDArray[np.float64]) -> float:
        return -BGNBD(*np.exp(logarithms)).log_likelihood(known) / len(known.age)

    found = minimize(loss, np.log(_START), method="L-BFGS-B")
    return BGNBD(*np.exp(found.x).tolist())
