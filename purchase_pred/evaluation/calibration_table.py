"""Calibration before and after, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from purchase_pred.evaluation.scored import scored_splits
from purchase_pred.metrics import ECE_BINS, calibration_bins, metrics
from purchase_pred.models.calibration import Calibrator, calibration_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from purchase_pred.evaluation.scored import ScoredSplit
    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.models.rows.feature_rows import FeatureRows


def calibration_table(model: FittedModel, splits: Mapping[str, FeatureRows | ScoredSplit], /) -> pl.DataFrame:
    """Return how well probabilities fit the labels before and after calibration.

    Returns
    -------
    table
        One row per split and stage, in the order given, before first: `split`, `stage` (before, after), `method`,
        `brier`, `log_loss`, `ece` (20 equal-mass bins), `slope` and `intercept` of the labels' log-odds on the
        predicted ones (1 and 0 are perfect; null where the labels are of one class).
    """
    rows = []
    for name, split in scored_splits([model], splits).items():
        labels, raw = split.labels, split.log_odds[model.name]
        for stage, calibrator in (("before", Calibrator("none")), ("after", model.calibrator)):
            found = metrics(labels, calibrator.probabilities(raw))
            line = calibration_line(labels, calibrator.log_odds(raw)) if len(labels) else None
            slope, intercept = line or (None, None)
            row: dict[str, Any] = {"split": name, "stage": stage, "method": calibrator.method}
            row |= {key: found[key] for key in ("brier", "log_loss", "ece")}
            rows.append(row | {"slope": slope, "intercept": intercept})
    floats = dict.fromkeys(("brier", "log_loss", "ece", "slope", "intercept"), pl.Float64)
    return pl.DataFrame(rows, schema={"split": pl.String, "stage": pl.String, "method": pl.String, **floats})


def reliability_table(labels: ArrayLike, probabilities: ArrayLike, /, *, bins: int = ECE_BINS) -> pl.DataFrame:
    """Return predicted and observed shares of equal-mass bins, lowest first: `rows`, `predicted`, `observed`.

    Equal probabilities never part, so bins may be fewer and not quite equal.

    Examples
    --------
    >>> reliability_table([0, 0, 1, 1], [0.1, 0.1, 0.8, 0.8], bins=2).rows()
    [(2, 0.1, 0.0), (2, 0.8, 1.0)]
    """
    rows, predicted, observed = calibration_bins(labels, probabilities, bins=bins)
    return pl.DataFrame({"rows": rows, "predicted": predicted, "observed": observed})
