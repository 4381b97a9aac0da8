"""Newton's method for penalised logistic regression, over blocks of rows: one copy of the columns, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.linalg import solve

from purchase_pred.models.calibration import sigmoid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_BLOCK_ROWS: Final = 8_192
_TOLERANCE: Final = 1e-6
"""The largest slope of the mean loss at which a step is the last."""
_HALVINGS: Final = 30


@dataclass(frozen=True)
class _Slope:
    """Loss, gradient and Hessian at a point."""

    loss: float
    gradient: NDArray[np.float64]
    hessian: NDArray[np.float64]


@dataclass(frozen=True)
class _Rows:
    columns: NDArray[np.float32]
    labels: NDArray[np.float64]
    weights: NDArray[np.float64]
    """Their shares of the whole, so that sums are means."""
    penalty: float

    def at(self, point: NDArray[np.float64]) -> _Slope:
        """Return the mean loss with its penalty, summed over blocks of rows; the intercept, last, is free of it."""
        ridge = np.append(np.full(len(point) - 1, self.penalty), 0.0)
        loss, gradient, hessian = 0.5 * float(ridge @ point**2), ridge * point, np.diag(ridge)
        for block, labels, weights in self._blocks():
            z = block @ point
            p = sigmoid(z)
            loss += float(weights @ (np.logaddexp(0.0, z) - labels * z))
            gradient += block.T @ (weights * (p - labels))
            np.multiply(block, np.sqrt(weights * p * (1.0 - p))[:, None], out=block)
            hessian += block.T @ block  # of one array with itself: half the work
        return _Slope(loss, gradient, hessian)

    def _blocks(self) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
        rows, width = self.columns.shape
        room = np.empty((min(rows, _BLOCK_ROWS), width + 1), order="F")
        for start in range(0, rows, _BLOCK_ROWS):
            own = slice(start, min(start + _BLOCK_ROWS, rows))
            block = room[: own.stop - start]
            block[:, :-1], block[:, -1] = self.columns[own], 1.0
            yield block, self.labels[own], self.weights[own]


def fit_coefficients(
    columns: NDArray[np.float32],
    labels: NDArray[np.uint8],
    weights: NDArray[np.float32] | None,
    /,
    *,
    inverse_regularisation: float,
    steps: int,
) -> NDArray[np.float64]:
    """Return the coefficients of logistic regression with an L2 penalty, the intercept, which it spares, as the last.

    What is minimised is the weighted mean of the log-loss plus |w|^2 / (2 C sum of weights), the sum that scikit-learn
    minimises. It has one minimum.

    Parameters
    ----------
    columns
        One row per row, rather column-major.
    labels
        0 or 1, of both at least one.
    weights
        Of each row; None: 1 each.
    inverse_regularisation
        C.
    steps
        Newton steps at most, over all rows.

    Examples
    --------
    >>> columns = np.array([[-1.0], [-1.0], [1.0], [1.0]], dtype=np.float32)
    >>> fit_coefficients(columns, np.array([0, 1, 1, 1], dtype=np.uint8), None, inverse_regularisation=1.0, steps=20)\
.round(3).tolist()
    [0.583, 1.184]
    """
    own = np.ones(len(labels)) if weights is None else weights.astype(np.float64)
    total = float(own.sum())
    # From 0, where the curvature is greatest, steps do not overshoot; from the rate of positives they do.
    start = np.zeros(columns.shape[1] + 1)
    penalty, truth = 1.0 / (inverse_regularisation * total), labels.astype(np.float64)
    return _minimum(_Rows(columns, truth, own / total, penalty), start, steps)


def _minimum(rows: _Rows, point: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    here = rows.at(point)
    for _ in range(steps):
        if np.abs(here.gradient).max() <= _TOLERANCE:
            break
        step = solve(here.hessian, here.gradient, assume_a="pos")
        for _ in range(_HALVINGS):
            there = rows.at(point - step)
            if there.loss <= here.loss:
                break
            step = step / 2.0
        else:  # as low as numbers can tell
            break
        point, here = point - step, there
    return point
