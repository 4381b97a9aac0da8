"""Checks of a model's rows: their features against those it learnt from, and what came of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.evaluation.drift import adversarial_validation
from purchase_pred.monitoring.findings import SURE, finding, findings_table
from purchase_pred.monitoring.outcome_checks import label_findings, performance_findings
from purchase_pred.monitoring.outcomes import (
    PROBABILITY,
    calibration_over_time,
    performance_table,
)
from purchase_pred.monitoring.stability import BINS, population_stability
from purchase_pred.schema import LABEL, LABEL_END, PREDICTION_TIME, SPLIT, USER_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.settings.monitor import MonitorLimits, MonitorSettings

CONTROLS: Final = 4
"""Windows before the new one that tell how much a figure moves by itself."""

_CONTROL_AUC: Final = 0.1


@dataclass(frozen=True, eq=False)
class RowsChecked:
    """The rows of a model's training and since, and what was found on the new ones."""

    features: pl.DataFrame
    """As `population_stability` tells of new and training rows, with ``psi_usual``, ``missing_usual`` (largest of the
    windows before), ``noise`` (the PSI that chance alone may reach) and ``judged`` (Boolean)."""
    adversarial: pl.DataFrame
    """``feature``, ``gain_share``, ``mean_train`` and ``mean_test``: by what new rows are told from training rows."""
    performance: pl.DataFrame
    """As `performance_table` has it: `validation`, `matured` (the latest window whose labels are known) and `new`."""
    weeks: pl.DataFrame
    """As `calibration_over_time` has it, of the rows after validation."""
    findings: pl.DataFrame


def check_rows(
    model: FittedModel,
    learnt: Mapping[str, pl.DataFrame],
    rows: pl.DataFrame,
    /,
    *,
    as_of: datetime,
    settings: MonitorSettings,
    seed: int = 0,
    threads: int | None = None,
) -> RowsChecked:
    """Hold a model's new rows against those it learnt from, and its probabilities against labels.

    Parameters
    ----------
    model
        The model in use.
    learnt
        Feature frames `train` and `val`, as the model was made with.
    rows
        All rows since some weeks before the window, with ``split``, features, and ``label``, null where not known.
    as_of
        The moment of monitoring, aware.
    settings
        `window`, `weeks`, `leave_out` and `limits`.
    seed, threads
        Of the adversarial validation; None: all cores.

    Raises
    ------
    BundleError
        The features are not those of the model.

    Examples
    --------
    Items had 0 to 9 views when the model learnt; in the last week all have 9, and are bought as before.

    >>> from purchase_pred import Settings, train_models
    >>> place = pl.int_range(2_000)
    >>> at = pl.datetime(2024, 8, 1, time_zone="UTC") + pl.duration(minutes=72 * place)
    >>> usual = place * 7 % 10
    >>> label, views = (usual + place % 3 > 8).cast(pl.UInt8), pl.when(place < 1_860).then(usual).otherwise(9)
    >>> rows = pl.select(user_id=place % 100, prediction_time=at, label_end=at, views=views, label=label)
    >>> learnt, later = {"train": rows[:500], "val": rows[500:800]}, rows[800:].with_columns(split=pl.lit("test"))
    >>> settings = Settings.model_validate({"train": {"models": ["logistic"], "threads": 1}})
    >>> (model,) = train_models(learnt["train"], learnt["val"], settings=settings)
    >>> as_of = datetime.fromisoformat("2024-11-09T00:00Z")
    >>> found = check_rows(model, learnt, later, as_of=as_of, settings=settings.monitor, threads=1)
    >>> found.findings.filter("alarm").select("check", "subject").rows()
    [('psi', 'views'), ('adversarial', 'new rows'), ('calibration', 'matured rows')]
    """
    length = settings.window
    windows = [
        rows.filter(_within(as_of - (number + 1) * length, as_of - number * length)) for number in range(CONTROLS + 1)
    ]
    judged = [name for name in model.spec.names if not _matches(name, settings.leave_out)]
    limits = settings.limits
    features = _features(model, learnt["train"], windows, judged)
    auc, usual_auc, telling = _adversarial(learnt["train"], windows, judged, seed=seed, threads=threads)
    since = rows.filter(pl.col(SPLIT) == "test")
    scored = _scored(model, since)
    known = scored.filter(pl.col(LABEL_END) <= as_of)
    newest = known[PREDICTION_TIME].max()
    matured = known.filter(pl.col(PREDICTION_TIME) > newest - length) if isinstance(newest, datetime) else known
    periods = {
        "validation": _scored(model.to_judge_on("val"), learnt["val"]),
        "matured": matured,
        "new": scored.filter(_within(as_of - length, as_of)),
    }
    performance = performance_table(periods)
    trained = float(learnt["train"][LABEL].mean() or 0.0)  # type: ignore[arg-type]
    found = [
        *_feature_findings(features, limits),
        *_unseen_findings(features, limits),
        *_adversarial_findings(auc, usual_auc, telling, limits),
        *label_findings(matured, trained=trained, limits=limits),
        *performance_findings(performance, positives=int(matured[LABEL].sum()), limits=limits),
    ]
    recent = scored.filter(pl.col(PREDICTION_TIME) >= as_of - timedelta(weeks=settings.weeks))
    return RowsChecked(features, telling, performance, calibration_over_time(recent), findings_table(found))


def _within(start: datetime, end: datetime) -> pl.Expr:
    return (pl.col(PREDICTION_TIME) >= start) & (pl.col(PREDICTION_TIME) < end)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _scored(model: FittedModel, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(USER_ID, PREDICTION_TIME, LABEL_END, LABEL, pl.Series(PROBABILITY, model.predict(_bare(rows))))


def _bare(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.drop(SPLIT, strict=False)


def _features(
    model: FittedModel, train: pl.DataFrame, windows: Sequence[pl.DataFrame], judged: Sequence[str]
) -> pl.DataFrame:
    """Return how far each feature is from training in the new window, and was at the most in the windows before."""
    known = {one.name: one.categories for one in model.spec.features if one.categories is not None}
    tables = [population_stability(train, window, features=model.spec.names, known=known) for window in windows]
    moved = (pl.col("missing_now") - pl.col("missing_before")).abs()
    before = (
        pl.concat(tables[1:])
        .group_by("feature")
        .agg(pl.col("psi").max().alias("psi_usual"), moved.max().alias("missing_usual"))
    )
    noise = _noise(train, windows[0])
    return (
        tables[0]
        .join(before, on="feature", how="left", maintain_order="left")
        .with_columns(noise=pl.lit(noise), judged=pl.col("feature").is_in(list(judged)))
    )


def _noise(train: pl.DataFrame, new: pl.DataFrame) -> float:
    """Return the index that ten bins of the same population reach in 3 of 1,000 cases, users being what is drawn.

    Of rows drawn at random the index is the sum of 1 / n of both sides, times a chi-square variable of as many degrees
    of freedom as there are bins, less one.
    """
    freedom = BINS - 1
    users = [max(1, rows[USER_ID].n_unique()) for rows in (train, new)]
    return (freedom + SURE * math.sqrt(2.0 * freedom)) * sum(1.0 / count for count in users)


def _adversarial(
    train: pl.DataFrame, windows: Sequence[pl.DataFrame], judged: Sequence[str], *, seed: int, threads: int | None
) -> tuple[float | None, float | None, pl.DataFrame]:
    """Return the AUC of new against training rows, that of the window before, and by what they are told apart."""
    kept = [USER_ID, PREDICTION_TIME, *judged]
    found = [
        adversarial_validation(train.select(kept), window.select(kept), seed=seed, threads=threads)
        if window.height
        else None
        for window in windows[:2]
    ]
    schema = {"feature": pl.String, **dict.fromkeys(("gain_share", "mean_train", "mean_test"), pl.Float64)}
    telling = found[0].features if found[0] else pl.DataFrame(schema=schema)
    new, before = (one.auc if one else None for one in found)
    return new, before, telling


def _feature_findings(features: pl.DataFrame, limits: MonitorLimits) -> Iterator[dict[str, Any]]:
    """Yield the features that have moved too far; of each check the one that has moved farthest, if none has."""
    judged = features.filter("judged")
    moved = (pl.col("missing_now") - pl.col("missing_before")).abs()
    usual = pl.col("psi_usual").fill_null(0.0)
    checks = (
        ("psi", pl.col("psi"), usual, usual + pl.max_horizontal(limits.psi, usual) + pl.col("noise"), limits.psi),
        ("missing", moved, pl.col("missing_usual").fill_null(0.0), None, limits.missing),
    )
    for check, value, before, bound, limit in checks:
        above = bound if bound is not None else before + (0.0 if limit is None else limit)
        table = judged.with_columns(found=value, usual=before, limit=above).drop_nulls("found")
        table = table.with_columns(alarm=(pl.col("found") > pl.col("limit")) & (limit is not None))
        shown = table.filter("alarm") if table["alarm"].any() else table
        shown = shown.sort(pl.col("found") - pl.col("usual"), "feature", descending=[True, False])
        for row in shown.head(shown.height if table["alarm"].any() else 1).iter_rows(named=True):
            yield finding(
                check,
                row["feature"],
                row["found"],
                usual=row["usual"],
                limit=None if limit is None else row["limit"],
                alarm=row["alarm"],
                meaning=_moved(check, row),
            )


def _moved(check: str, row: dict[str, Any]) -> str:
    if check == "missing":
        return f"{row['missing_now']:.1%} missing, {row['missing_before']:.1%} in training"
    medians = (
        f"; median {row['median_now']:.4g}, {row['median_before']:.4g} in training"
        if row["median_now"] is not None and row["median_before"] is not None
        else ""
    )
    return f"PSI {row['found']:.2f} against training, at most {row['usual']:.2f} in the windows before{medians}"


def _unseen_findings(features: pl.DataFrame, limits: MonitorLimits) -> Iterator[dict[str, Any]]:
    for row in features.filter("judged").drop_nulls("unseen").sort("feature").iter_rows(named=True):
        yield finding(
            "unseen",
            row["feature"],
            row["unseen"],
            usual=0.0,
            limit=limits.unseen,
            alarm=limits.unseen is not None and row["unseen"] > limits.unseen,
            meaning=f"{row['unseen']:.1%} of the rows have a category that the model has not learnt",
        )


def _adversarial_findings(
    auc: float | None, usual: float | None, telling: pl.DataFrame, limits: MonitorLimits
) -> Iterator[dict[str, Any]]:
    limit = limits.adversarial_auc
    bound = None if limit is None else max(limit, (usual or 0.0) + _CONTROL_AUC)
    by = ", ".join(telling["feature"].head(3))
    yield finding(
        "adversarial",
        "new rows",
        auc,
        usual=usual,
        limit=bound,
        alarm=auc is not None and bound is not None and auc > bound,
        meaning="too few rows to tell"
        if auc is None
        else f"new rows are told from training rows with ROC-AUC {auc:.2f}, most by {by}",
    )
