"""Negative sampling: fewer negatives to learn from, drawn by the keys of their rows, the odds corrected back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from purchase_pred.settings.training import SamplingSettings

ENOUGH_NEGATIVES: Final = 10
"""Negatives for each positive that "auto" keeps: more of them cost time and teach next to nothing."""
FULL_ROWS: Final = 200_000
"""Up to so many training rows "auto" keeps all of them: there is little time to save, and each may teach something."""


@dataclass(frozen=True)
class Sample:
    """The training rows that are kept."""

    rows: NDArray[np.intp] | None
    """Their positions, ascending; None: all."""
    weights: NDArray[np.float32] | None
    """Their weights; None: 1 each."""
    odds_factor: float
    """Factor that the sample and its weights put on the odds of a row; to be divided out of every prediction."""
    facts: dict[str, Any]
    """What was asked and what was kept of how many rows, and `why`, in words."""


def sample_negatives(labels: NDArray[np.uint8], draws: NDArray[np.float64], /, *, settings: SamplingSettings) -> Sample:
    """Keep every positive, and the negatives whose draw falls below the share that is asked for.

    With weights, each kept negative counts for 1 / (share kept), so the weighted sample has the prevalence of all
    rows and the odds need no correction. Without, the odds of a fit on the sample are too high by 1 / (share kept)
    (King and Zeng 2001), which `odds_factor` says. The share kept is the one found, not the one aimed at.

    Parameters
    ----------
    labels
        0 or 1 of each row.
    draws
        A number in [0, 1) of each row, as `row_draws` makes them of the rows' keys: which rows are kept then depends
        on no order, no other row and no seed but through the two counts.
    settings
        `train.sampling`.

    Examples
    --------
    >>> from purchase_pred.settings.training import SamplingSettings
    >>> labels = np.array([1, 0, 0, 0, 0], dtype=np.uint8)
    >>> half = SamplingSettings(negatives_per_positive=2)
    >>> sample = sample_negatives(labels, np.array([0.9, 0.1, 0.8, 0.2, 0.7]), settings=half)
    >>> sample.rows.tolist(), sample.weights, sample.odds_factor
    ([0, 1, 3], None, 2.0)
    """
    negative = labels == 0
    negatives = int(negative.sum())
    positives = len(labels) - negatives
    ratio, why = _ratio(settings, rows=len(labels), positives=positives)
    if ratio is None:
        return _everything(settings, labels, why)
    if ratio * positives >= negatives:
        return _everything(settings, labels, f"there are no more than {ratio:g} negatives for each positive")
    kept = negative & (draws < ratio * positives / negatives)
    if not kept.any():
        kept = negative & (draws == draws[negative].min())
    rows = np.flatnonzero(kept | ~negative)
    stands_for = negatives / int(kept.sum())
    facts = _facts(settings, rows=len(labels), kept=len(rows), why=why)
    if not settings.weighted:
        return Sample(rows=rows, weights=None, odds_factor=stands_for, facts=facts)
    weights = np.where(labels[rows] == 1, 1.0, stands_for).astype(np.float32)
    return Sample(rows=rows, weights=weights, odds_factor=1.0, facts=facts)


def thinned(sample: Sample, labels: NDArray[np.uint8], draws: NDArray[np.float64], /, *, most: int) -> Sample:
    """Return a sample of about so many rows at the most, positives and negatives thinned alike, by their keys.

    The smaller of two such samples is a part of the larger. The odds are corrected by what was found.

    Examples
    --------
    >>> labels = np.array([1, 0, 0, 1], dtype=np.uint8)
    >>> everything = Sample(rows=None, weights=None, odds_factor=1.0, facts={"kept": 4, "why": "all"})
    >>> thinned(everything, labels, np.array([0.1, 0.2, 0.7, 0.8]), most=2).rows.tolist()
    [0, 1]
    """
    rows = np.arange(len(labels)) if sample.rows is None else sample.rows
    if len(rows) <= most:
        return sample
    # Kept negatives have draws below the share they were kept by; spread over [0, 1) they decide once more.
    negative, position = labels[rows] == 0, draws[rows].copy()
    position[negative] /= max(float(position[negative].max(initial=0.0)), np.finfo(np.float64).tiny)
    kept = position < most / len(rows)
    for own in (negative, ~negative):
        if not (kept & own).any():
            kept |= own & (position == position[own].min())
    factor = (negative.sum() / (kept & negative).sum()) / ((~negative).sum() / (kept & ~negative).sum())
    facts = {**sample.facts, "kept": int(kept.sum()), "why": f"{sample.facts['why']}; more do not fit the memory"}
    weights = None if sample.weights is None else sample.weights[kept]
    return Sample(rows=rows[kept], weights=weights, odds_factor=float(sample.odds_factor * factor), facts=facts)


def _ratio(settings: SamplingSettings, *, rows: int, positives: int) -> tuple[float | None, str]:
    """Return how many negatives to keep for each positive, None for all, and why."""
    asked = settings.negatives_per_positive
    if asked is None:
        return None, "train.sampling.negatives_per_positive is null"
    if asked != "auto":
        return asked, f"train.sampling.negatives_per_positive is {asked:g}"
    if rows <= FULL_ROWS:
        return None, f"there are no more than {FULL_ROWS:,} rows"
    return ENOUGH_NEGATIVES, (
        f"{ENOUGH_NEGATIVES} negatives for each of {positives:,} positives teach what all of {rows:,} rows would"
    )


def _everything(settings: SamplingSettings, labels: NDArray[np.uint8], why: str) -> Sample:
    facts = _facts(settings, rows=len(labels), kept=len(labels), why=why)
    return Sample(rows=None, weights=None, odds_factor=1.0, facts=facts)


def _facts(settings: SamplingSettings, *, rows: int, kept: int, why: str) -> dict[str, Any]:
    return {"negatives_per_positive": settings.negatives_per_positive, "rows": rows, "kept": kept, "why": why}
