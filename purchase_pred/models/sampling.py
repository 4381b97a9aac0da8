"""Negative sampling: fewer negatives to learn from, their weight carried along, the odds corrected back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from purchase_pred.settings.training import SamplingSettings


@dataclass(frozen=True)
class Sample:
    """The training rows that are kept."""

    rows: NDArray[np.intp] | None
    """Their positions, ascending; None: all."""
    weights: NDArray[np.float32] | None
    """Their weights; None: 1 each."""
    odds_factor: float
    """Factor that the sample and its weights put on the odds of a row; to be divided out of every prediction."""


def sample_negatives(labels: NDArray[np.uint8], /, *, settings: SamplingSettings, seed: int) -> Sample:
    """Draw negatives without replacement; keep every positive.

    With weights, each kept negative counts for 1 / (share kept), so the weighted sample has the prevalence of all
    rows and the odds need no correction. Without, the odds of a fit on the sample are too high by 1 / (share kept)
    (King and Zeng 2001), which `odds_factor` says.

    Examples
    --------
    >>> from purchase_pred.settings.training import SamplingSettings
    >>> labels = np.array([1, 0, 0, 0, 0], dtype=np.uint8)
    >>> half = SamplingSettings(negatives_per_positive=2, weighted=False)
    >>> sample = sample_negatives(labels, settings=half, seed=0)
    >>> len(sample.rows), sample.weights, sample.odds_factor
    (3, None, 2.0)
    """
    negatives = np.flatnonzero(labels == 0)
    positives = np.flatnonzero(labels == 1)
    ratio = settings.negatives_per_positive
    wanted = len(negatives) if ratio is None else max(1, round(ratio * len(positives)))
    if wanted >= len(negatives):
        return Sample(rows=None, weights=None, odds_factor=1.0)
    kept = np.random.default_rng(seed).choice(negatives, size=wanted, replace=False)
    rows = np.sort(np.concatenate([positives, kept]))
    stands_for = len(negatives) / wanted
    if not settings.weighted:
        return Sample(rows=rows, weights=None, odds_factor=stands_for)
    weights = np.where(labels[rows] == 1, 1.0, stands_for).astype(np.float32)
    return Sample(rows=rows, weights=weights, odds_factor=1.0)
