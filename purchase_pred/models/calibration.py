"""Calibration: strictly increasing maps from log-odds to probabilities, so that no ranking ever changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np
from scipy.optimize import minimize
from sklearn.isotonic import isotonic_regression

from purchase_pred.metrics import log_loss
from purchase_pred.settings.training import CalibrationMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

METHODS: Final[tuple[CalibrationMethod, ...]] = get_args(CalibrationMethod)
"""From the simplest to the most flexible."""

_TAIL_SLOPE: Final = 1e-3
_LEAST_SLOPE: Final = 1e-3
_LIMIT: Final = 30.0
_JUDGE_POSITIVES: Final = 10


@dataclass(frozen=True)
class Calibrator:
    """A strictly increasing map of log-odds.

    - ``none``: z
    - ``temperature``: a z
    - ``platt``: a z + b (Platt 1999)
    - ``beta``: a ln p - b ln(1 - p) + c with p = sigmoid(z) (Kull, Silva Filho and Flach 2017)
    - ``isotonic``: linear in log-odds between the centres of the isotonic blocks (centred isotonic regression, Oron
      and Flournoy 2017), with a slight slope beyond the outermost, so that ties arise nowhere
    """

    method: CalibrationMethod
    parameters: tuple[float, ...] = ()
    """The letters above in order; for isotonic, the centres and then their log-odds."""

    def log_odds(self, log_odds: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Return the calibrated log-odds."""
        if self.method == "isotonic":
            return self._between_centres(log_odds)
        if self.method == "none":
            return log_odds
        calibrated = np.zeros(len(log_odds))
        for parameter, column in zip(self.parameters, _columns(self.method, log_odds), strict=True):
            calibrated += parameter * column
        return calibrated

    def probabilities(self, log_odds: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Return the calibrated probabilities."""
        return sigmoid(self.log_odds(log_odds))

    def to_json(self) -> dict[str, Any]:
        """Return the calibrator as JSON values; every float reads back as the same bits."""
        return {"method": self.method, "parameters": list(self.parameters)}

    def _between_centres(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        centres, values = np.split(np.asarray(self.parameters), 2)
        beyond = np.minimum(log_odds - centres[0], 0.0) + np.maximum(log_odds - centres[-1], 0.0)
        calibrated: NDArray[np.float64] = np.interp(log_odds, centres, values) + _TAIL_SLOPE * beyond
        return calibrated


@dataclass(frozen=True)
class CalibratorChoice:
    """A calibrator, and how it came to be chosen."""

    calibrator: Calibrator
    log_losses: dict[CalibrationMethod, float]
    """The log-loss of each kind on the rows that judged; empty when none could be judged."""
    left_alone: bool
    """Whether scores stay as they are because no method could be judged."""
    why: str
    """The reason, in words."""


def sigmoid(log_odds: NDArray[np.float64], /) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-z)) without overflow.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return _share(log_odds, np.exp(-np.abs(log_odds)))


def _share(log_odds: NDArray[np.float64], small: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-z)), given exp(-|z|) too."""
    return np.where(log_odds >= 0, 1.0, small) / (1.0 + small)


def fit_calibrator(
    method: CalibrationMethod, log_odds: NDArray[np.float64], labels: NDArray[np.uint8], /
) -> Calibrator:
    """Fit one kind of calibrator by maximum likelihood, slopes kept above zero.

    Rows of one class alone say nothing about a slope; the calibrator is then ``none``.
    """
    if method == "none" or labels.min(initial=1) == labels.max(initial=0):
        return Calibrator("none")
    if method == "isotonic":
        return _fit_isotonic(log_odds, labels)
    columns = _columns(method, log_odds)
    start = {"temperature": (1.0,), "platt": (1.0, 0.0), "beta": (1.0, 1.0, 0.0)}[method]
    slopes = 2 if method == "beta" else 1
    bounds = [(_LEAST_SLOPE, None)] * slopes + [(None, None)] * (len(columns) - slopes)
    design = np.column_stack(columns)
    found = minimize(_loss, start, args=(design, labels), jac=True, method="L-BFGS-B", bounds=bounds)
    return Calibrator(method, tuple(float(parameter) for parameter in found.x))


def choose_calibrator(
    log_odds: NDArray[np.float64],
    labels: NDArray[np.uint8],
    times: NDArray[np.int64],
    /,
    *,
    draws: NDArray[np.float64],
) -> CalibratorChoice:
    """Fit every kind on one half of the rows, judge by log-loss on the other half, fit the best on all.

    The halves are cut at the median of `times`, rows of the median time in the later one. Where that leaves fewer than
    10 positives in either half, as with rows of one time only, they are cut at the median of `draws`. Of equals the
    simplest is taken. With fewer than 10 positives in a half of either cut nothing can be judged, and the calibrator
    is ``none``.

    Parameters
    ----------
    log_odds, labels, times
        Of each row.
    draws
        A number in [0, 1) of each row, equal for rows that belong together, such as those of one user.
    """
    for fitted, judged_on in ((times < np.median(times), "later rows"), (draws < np.median(draws), "other users")):
        if min(int(labels[fitted].sum()), int(labels[~fitted].sum())) < _JUDGE_POSITIVES:
            continue
        losses = {
            method: log_loss(
                labels[~fitted],
                fit_calibrator(method, log_odds[fitted], labels[fitted]).probabilities(log_odds[~fitted]),
            )
            for method in METHODS
        }
        best = min(METHODS, key=losses.__getitem__)
        return CalibratorChoice(
            fit_calibrator(best, log_odds, labels), losses, left_alone=False, why=f"least log-loss on {judged_on}"
        )
    return CalibratorChoice(
        Calibrator("none"),
        {},
        left_alone=True,
        why=f"{int(labels.sum()):,} of {len(labels):,} rows to calibrate on are positive; to fit a method on one half "
        f"and judge it on the other, {_JUDGE_POSITIVES} in each are needed",
    )


def calibration_line(labels: NDArray[np.uint8], log_odds: NDArray[np.float64], /) -> tuple[float, float] | None:
    """Return slope and intercept of the labels' log-odds on the predicted ones; (1, 0) is perfect (Cox 1958).

    A slope below 1 says that the probabilities are too extreme; an intercept below 0, at slope 1, that they are too
    high. None when the labels are of one class or the log-odds all equal.
    """
    z = np.clip(log_odds, -_LIMIT, _LIMIT)
    if labels.min(initial=1) == labels.max(initial=0) or z.min() == z.max():
        return None
    design = np.column_stack([z, np.ones(len(z))])
    found = minimize(
        _loss, (1.0, 0.0), args=(design, labels), jac=True, hess=_curvature, method="trust-exact", tol=1e-9
    )
    return float(found.x[0]), float(found.x[1])


def _columns(method: CalibrationMethod, log_odds: NDArray[np.float64]) -> Sequence[NDArray[np.float64]]:
    ones = np.ones(len(log_odds))
    if method == "temperature":
        return (log_odds,)
    if method == "platt":
        return (log_odds, ones)
    # ln p = -softplus(-z), -ln(1 - p) = softplus(z)
    return (-np.logaddexp(0.0, -log_odds), np.logaddexp(0.0, log_odds), ones)


def _loss(
    parameters: NDArray[np.float64], design: NDArray[np.float64], labels: NDArray[np.uint8]
) -> tuple[float, NDArray[np.float64]]:
    fitted = design @ parameters
    small = np.exp(-np.abs(fitted))
    loss = np.mean(np.maximum(fitted, 0.0) + np.log1p(small) - labels * fitted)
    return float(loss), (_share(fitted, small) - labels) @ design / len(labels)


def _curvature(
    parameters: NDArray[np.float64], design: NDArray[np.float64], labels: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """Return the Hessian of `_loss`."""
    probabilities = sigmoid(design @ parameters)
    found: NDArray[np.float64] = (design.T * (probabilities * (1.0 - probabilities))) @ design / len(labels)
    return found


def _fit_isotonic(log_odds: NDArray[np.float64], labels: NDArray[np.uint8]) -> Calibrator:
    distinct, position, counts = np.unique(log_odds, return_inverse=True, return_counts=True)
    rates = np.bincount(position, weights=labels) / counts
    fitted = isotonic_regression(rates, sample_weight=counts.astype(np.float64))
    _, block = np.unique(fitted, return_inverse=True)
    rows = np.bincount(block, weights=counts)
    positives = np.bincount(block, weights=counts * rates)
    centres = np.bincount(block, weights=counts * distinct) / rows
    # One row of the base rate is added to each block: a block without positives is rare, not impossible.
    base_rate = labels.mean()
    smoothed = (positives + base_rate) / (rows + 1.0)
    values = np.clip(np.log(smoothed / (1.0 - smoothed)), -_LIMIT, _LIMIT)
    values = np.maximum.accumulate(values) + _TAIL_SLOPE * (centres - centres[0])
    return Calibrator("isotonic", (*centres.tolist(), *values.tolist()))


def calibrator_from_json(found: dict[str, Any], /) -> Calibrator:
    """Return the calibrator that `Calibrator.to_json` wrote; `KeyError` or `TypeError` when it is none."""
    method = found["method"]
    if method not in METHODS:
        raise KeyError(method)
    return Calibrator(method, tuple(float(parameter) for parameter in found["parameters"]))
