"""95 % intervals: over seeds by Student's t, over users by bootstrap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import t as student

from purchase_pred.metrics import average_precision, log_loss
from purchase_pred.models.thresholds import drawn_users

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

Draws = dict[str, dict[str, Any]]

_TAIL: Final = 0.025
_CELLS: Final = 4_000_000


def over_seeds(values: Sequence[float], /) -> dict[str, float | None]:
    """Return `mean`, and `low` and `high` of its 95 % t interval; one value alone has none.

    Examples
    --------
    >>> over_seeds([1.0, 3.0])["high"].__round__(1)
    14.7
    """
    mean = float(np.mean(values))
    if len(values) == 1:
        return {"mean": mean, "low": None, "high": None, "least": mean, "most": mean}
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    reach = float(student.ppf(1.0 - _TAIL, len(values) - 1)) * error
    spread = {"least": float(min(values)), "most": float(max(values))}
    return {"mean": mean, "low": mean - reach, "high": mean + reach, **spread}


def over_users(
    users: NDArray[np.int64],
    labels: NDArray[np.uint8],
    scores: Mapping[str, NDArray[np.float64]],
    /,
    *,
    probabilities: Collection[str],
    resamples: int,
    seed: int = 0,
) -> Draws:
    """Return average precision and log-loss of each score on all rows and in resamples of whole users.

    Parameters
    ----------
    users, labels
        Of each row: its user, numbered from 0 without gaps, whose rows are drawn together; 0 or 1.
    scores, probabilities
        Scores by name, all of which see the same resamples, so that differences are paired; which are probabilities.

    Returns
    -------
    draws
        Name to `average_precision` and, for probabilities, `log_loss`: each an array of the value on all rows and
        then of the values in the resamples.
    """
    ranked = {name: _Ranked(users, labels, score) for name, score in scores.items()}
    losses = {name: _loss_sums(users, labels, scores[name]) for name in probabilities}
    rows = np.bincount(users).astype(np.float64)
    precisions: dict[str, list[Any]] = {name: [[average_precision(labels, score)]] for name, score in scores.items()}
    mean_losses: dict[str, list[Any]] = {name: [[log_loss(labels, scores[name])]] for name in probabilities}
    for weights in drawn_users(len(rows), resamples, chunk=max(1, _CELLS // len(labels)), seed=seed):
        for name, ranking in ranked.items():
            precisions[name].append(ranking.average_precisions(weights))
        for name, sums in losses.items():
            mean_losses[name].append((weights @ sums) / (weights @ rows))
    return {
        name: {"average_precision": np.concatenate(precisions[name])}
        | ({"log_loss": np.concatenate(mean_losses[name])} if name in losses else {})
        for name in scores
    }


def interval(draws: NDArray[np.float64], /) -> dict[str, float | None]:
    """Return the value on all rows as `mean`, and `low` and `high` of the percentile interval of the resamples."""
    known = draws[1:][~np.isnan(draws[1:])]
    low, high = np.quantile(known, (_TAIL, 1.0 - _TAIL)).tolist() if len(known) else (None, None)
    return {"mean": float(draws[0]), "low": low, "high": high}


class _Ranked:
    """Rows from the highest score down, ready to be weighted."""

    def __init__(self, users: NDArray[np.int64], labels: NDArray[np.uint8], score: NDArray[np.float64]) -> None:
        order = np.argsort(-score, kind="stable")
        ranked = score[order]
        self._users, self._labels = users[order], labels[order].astype(np.float64)
        self._last_of_ties = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], [True]))

    def average_precisions(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the average precision under each row of weights of users; NaN where no positive was drawn."""
        drawn = weights[:, self._users]
        rows = np.cumsum(drawn, axis=1)[:, self._last_of_ties]
        positives = np.cumsum(drawn * self._labels, axis=1)[:, self._last_of_ties]
        steps = np.diff(positives, axis=1, prepend=0.0)
        total = positives[:, -1]
        precision = np.divide(positives, rows, out=np.zeros_like(rows), where=rows > 0)
        return np.divide((steps * precision).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)


def _loss_sums(
    users: NDArray[np.int64], labels: NDArray[np.uint8], probabilities: NDArray[np.float64]
) -> NDArray[np.float64]:
    said = np.where(labels == 1, probabilities, 1.0 - probabilities)
    return np.bincount(users, weights=-np.log(np.maximum(said, np.finfo(np.float64).eps)))
