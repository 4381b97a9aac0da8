"""Gamma-Gamma: what a customer spends per purchase, from how often and how much was spent before.

P. S. Fader, B. G. S. Hardie, The Gamma-Gamma Model of Monetary Value (2013), brucehardie.com/notes/025. The amount of a
purchase is gamma(p, nu), nu is gamma(q, gamma) over customers, and neither depends on how often somebody buys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln

if TYPE_CHECKING:
    from numpy.typing import NDArray

_START: Final = (2.0, 2.0, 20.0)


@dataclass(frozen=True)
class Amounts:
    """What the model needs to know of each customer."""

    repeats: NDArray[np.float64]
    """x: days with a purchase after the first such day."""
    mean: NDArray[np.float64]
    """The mean amount of these days; whatever where there is none."""


@dataclass(frozen=True)
class GammaGamma:
    """The three parameters."""

    p: float
    q: float
    gamma: float

    def log_likelihood(self, known: Amounts, /) -> float:
        """Return the log-likelihood of the mean amounts of customers with repeats, equation 1a of the note."""
        paid = (known.repeats > 0) & (known.mean > 0)
        x, mean = known.repeats[paid], known.mean[paid]
        shape = self.p * x
        parts = gammaln(shape + self.q) - gammaln(shape) - gammaln(self.q) + self.q * np.log(self.gamma)
        parts += (shape - 1.0) * np.log(mean) + shape * np.log(x) - (shape + self.q) * np.log(self.gamma + x * mean)
        return float(parts.sum())

    def expected_amount(self, known: Amounts, /) -> NDArray[np.float64]:
        """Return E[amount of a purchase] of each customer, equation 5 of the note; without repeats that of everybody.

        It has no mean for p x + q <= 1, which no log of purchases comes near.
        """
        paid = np.where(known.mean > 0, known.repeats, 0.0)
        spent = paid * np.where(paid > 0, known.mean, 0.0)
        expected: NDArray[np.float64] = self.p * (self.gamma + spent) / (self.p * paid + self.q - 1.0)
        return expected


def fit_gamma_gamma(known: Amounts, /) -> GammaGamma:
    """Fit by maximum likelihood, on the logarithms of the parameters."""
    customers = max(1, int(((known.repeats > 0) & (known.mean > 0)).sum()))

    def loss(logarithms: NDArray[np.float64]) -> float:
        return -GammaGamma(*np.exp(logarithms)).log_likelihood(known) / customers

    found = minimize(loss, np.log(_START), method="L-BFGS-B")
    return GammaGamma(*np.exp(found.x).tolist())
