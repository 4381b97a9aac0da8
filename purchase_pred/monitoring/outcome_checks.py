"""Checks of a model's probabilities: against labels once they are known, and against what was estimated before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.monitoring.findings import SURE, finding
from purchase_pred.monitoring.outcomes import PERIOD, PROBABILITY, excess_of_purchases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purchase_pred.settings.monitor import MonitorLimits

_FEW: Final = 50
"""Positives, fewer of which tell nothing of a PR-AUC: users have several, so that intervals are too narrow."""


def label_findings(matured: pl.DataFrame, /, *, trained: float, limits: MonitorLimits) -> Iterator[dict[str, Any]]:
    """Hold the labels of the latest window where they are known against training, and against their probabilities."""
    expected = matured.with_columns(pl.lit(trained).alias(PROBABILITY))
    for check, rows, limit, against in (
        ("prevalence", expected, limits.prevalence, "the share in training"),
        ("calibration", matured, limits.calibration, "the sum of their probabilities"),
    ):
        ratio, errors = excess_of_purchases(rows)
        told = ratio is not None and limit is not None and errors is not None
        beyond = told and not 1.0 / limit <= ratio <= limit and abs(errors) > SURE  # type: ignore[operator, arg-type]
        yield finding(
            check,
            "matured rows",
            ratio,
            usual=1.0,
            deviation=errors,
            limit=None if limit is None else limit if (ratio or 0.0) > 1.0 else 1.0 / limit,
            alarm=beyond,
            meaning="no label is known yet" if ratio is None else f"{ratio:.2f} times as many positives as {against}",
        )


def performance_findings(
    performance: pl.DataFrame, /, *, positives: int, limits: MonitorLimits
) -> Iterator[dict[str, Any]]:
    """Hold the new rows' estimate against that of validation, and matured labels against what was estimated of them.

    What few positives leave open is no drop: the interval of the estimate must exclude the other figure too.
    """
    reached = {row[PERIOD]: row for row in performance.filter(metric="average_precision").iter_rows(named=True)}
    validation, matured, new = (reached[name] for name in ("validation", "matured", "new"))
    sure_of_less = (
        _is_below(new["high"], validation["estimated"]),
        positives >= _FEW and _is_below(matured["realised"], matured["low"]),
    )
    checks = (
        ("estimated_drop", "new rows", new["estimated"], validation["estimated"], "estimated on validation"),
        ("realised_drop", "matured rows", matured["realised"], matured["estimated"], "estimated for the same rows"),
    )
    bounds = (limits.estimated_drop, limits.realised_drop)
    for (check, subject, now, then, told), limit, sure in zip(checks, bounds, sure_of_less, strict=True):
        drop = 1.0 - now / then if now is not None and then else None
        yield finding(
            check,
            subject,
            drop,
            usual=0.0,
            limit=limit,
            alarm=sure and drop is not None and limit is not None and drop > limit,
            meaning="nothing to tell it by" if drop is None else f"PR-AUC {now:.3f}, {then:.3f} {told}",
        )


def _is_below(figure: float | None, other: float | None) -> bool:
    return figure is not None and other is not None and figure < other
