"""Two models on the same rows: differences with intervals over users, and the rows on which they differ most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.metrics import average_precision, log_loss
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.models.rows.row_keys import ROW_KEY
from purchase_pred.models.thresholds import drawn_users
from purchase_pred.schema import LABEL, USER_ID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from purchase_pred.settings.training import ProfitSettings

FIRST: Final = "first"
SECOND: Final = "second"

_CHUNK: Final = 2_000_000
_INTERVAL: Final = (0.025, 0.975)
_EPSILON: Final = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Judged:
    """What one model says of the rows."""

    probabilities: NDArray[np.float64]
    threshold: float | None
    """Act where the probability is at least that; None: never."""


@dataclass(frozen=True)
class Difference:
    """A figure of two models on the same rows."""

    first: float | None
    second: float | None
    difference: float | None
    """Second minus first."""
    interval_95: tuple[float, float] | None
    """Of the difference, by resampling whole users, the same ones for both models; None: none was asked for."""


def paired_differences(
    rows: pl.DataFrame, first: Judged, second: Judged, /, *, profit: ProfitSettings, resamples: int, seed: int
) -> dict[str, Difference]:
    """Return average precision, log-loss and profit of two models on the same rows, and how sure the differences are.

    Parameters
    ----------
    rows
        ``user_id`` and ``label``, one row for each probability.
    first, second
        What the models say.
    profit
        What one decision of each kind is worth; both models are paid by the same.
    resamples
        How often users are drawn anew, with replacement; 0: no intervals.
    seed
        Another seed draws others.

    Returns
    -------
    differences
        By ``average_precision``, ``log_loss`` and ``profit``; None where a figure is not defined.

    Examples
    --------
    >>> from purchase_pred.settings.training import ProfitSettings
    >>> rows = pl.DataFrame({"user_id": [1, 1, 2], "label": [1, 0, 0]}, schema_overrides={"label": pl.UInt8})
    >>> good, poor = (Judged(np.array(p), 0.5) for p in ([0.9, 0.1, 0.1], [0.4, 0.6, 0.1]))
    >>> found = paired_differences(rows, good, poor, profit=ProfitSettings(), resamples=0, seed=0)
    >>> round(found["profit"].difference, 3), found["average_precision"].difference
    (-5.2, -0.5)
    """
    labels = label_vector(rows)
    users = rows[USER_ID].rank("dense").to_numpy().astype(np.intp) - 1
    pair = [_Figures(labels, users, judged, profit) for judged in (first, second)]
    found = [figures.of_all_rows() for figures in pair]
    drawn = _resampled(pair, users, resamples, seed)
    return {
        name: Difference(
            first=_defined(found[0][name]),
            second=_defined(found[1][name]),
            difference=_defined(found[1][name] - found[0][name]),
            interval_95=_interval(drawn[name]) if name in drawn else None,
        )
        for name in found[0]
    }


def disagreements(
    rows: pl.DataFrame, first: NDArray[np.float64], second: NDArray[np.float64], /, *, most: int
) -> pl.DataFrame:
    """Return the rows whose probabilities differ most: their keys, ``label``, ``first``, ``second``.

    The greatest difference first, of equal ones the earlier row.
    """
    keys = [name for name in (*ROW_KEY, LABEL) if name in rows.columns]
    apart = np.argsort(-np.abs(first - second), kind="stable")[:most]
    return rows.select(keys).with_columns(pl.Series(FIRST, first), pl.Series(SECOND, second))[apart]


def top_in_common(first: NDArray[np.float64], second: NDArray[np.float64], /, *, percent: int) -> float | None:
    """Return which share of the best `percent` % of rows of one is among those of the other; None without rows.

    Examples
    --------
    >>> top_in_common(np.array([0.9, 0.8, 0.1, 0.0]), np.array([0.9, 0.1, 0.8, 0.0]), percent=50)
    0.5
    """
    taken = -(-len(first) * percent // 100)
    if not taken:
        return None
    best = [set(np.argsort(-scores, kind="stable")[:taken].tolist()) for scores in (first, second)]
    return len(best[0] & best[1]) / taken


class _Figures:
    """The figures of one model, of all rows or of resampled users; rows are ranked once."""

    def __init__(
        self, labels: NDArray[np.uint8], users: NDArray[np.intp], judged: Judged, profit: ProfitSettings
    ) -> None:
        self._labels, self._p = labels, judged.probabilities
        acted = np.zeros(len(labels), np.bool_) if judged.threshold is None else self._p >= judged.threshold
        clipped = np.clip(self._p, _EPSILON, 1.0 - _EPSILON)
        losses = -np.where(labels, np.log(clipped), np.log1p(-clipped))
        bought, left = (profit.true_positive, profit.false_negative), (profit.false_positive, profit.true_negative)
        self._worth = np.where(labels, np.where(acted, *bought), np.where(acted, *left))
        self._sums = np.column_stack(
            [np.bincount(users, weights=column) for column in (losses, self._worth, np.ones(len(labels)))]
        )
        order = np.argsort(-self._p, kind="stable")
        ranked = self._p[order]
        self._users, self._positive = users[order], labels[order].astype(np.bool_)
        self._last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], [True] * (len(ranked) > 0)))

    def of_all_rows(self) -> dict[str, float]:
        rows = len(self._labels)
        return {
            "average_precision": average_precision(self._labels, self._p) if rows else float("nan"),
            "log_loss": log_loss(self._labels, self._p) if rows else float("nan"),
            "profit": float(self._worth.sum()),
        }

    def of_resamples(self, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return the figures of each resample, from how often it drew each user."""
        losses, profits, rows = (weights @ self._sums).T
        return {
            "average_precision": self._average_precisions(weights[:, self._users]),
            "log_loss": losses / rows,
            "profit": profits,
        }

    def _average_precisions(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = np.cumsum(weights, axis=1)[:, self._last]
        positives = np.cumsum(np.where(self._positive, weights, 0.0), axis=1)[:, self._last]
        steps = np.diff(positives, axis=1, prepend=0.0)
        with np.errstate(invalid="ignore"):
            precision = np.where(rows > 0, positives / rows, 0.0)
            found: NDArray[np.float64] = (steps * precision).sum(axis=1) / positives[:, -1]
        return found


def _resampled(
    pair: list[_Figures], users: NDArray[np.intp], resamples: int, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Return the differences in each resample; the same users are drawn for both models."""
    if not resamples or not len(users):
        return {}
    parts: dict[str, list[NDArray[np.float64]]] = {}
    drawn = drawn_users(int(users.max()) + 1, resamples, chunk=max(1, _CHUNK // len(users)), seed=seed)
    for weights in drawn:
        first, second = (figures.of_resamples(weights) for figures in pair)
        for name, values in first.items():
            parts.setdefault(name, []).append(second[name] - values)
    return {name: np.concatenate(values) for name, values in parts.items()}


def _interval(values: NDArray[np.float64]) -> tuple[float, float] | None:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, _INTERVAL)
    return float(low), float(high)


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
