"""The sections of the report about data, ranking, probabilities, reasons, cohorts and red flags."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.durations import parse_duration
from purchase_pred.evaluation.comparison import CEILING
from purchase_pred.evaluation.red_flags import FEW_POSITIVES
from purchase_pred.report.curve_charts import (
    earliness_chart,
    gain_chart,
    histogram_chart,
    ranking_chart,
    reliability_chart,
)
from purchase_pred.report.data_charts import (
    SPLIT_NAMES,
    funnel_chart,
    importance_chart,
    prevalence_chart,
    swarm_chart,
    timeline_chart,
)
from purchase_pred.report.horizons import horizon_table
from purchase_pred.report.markup import figure, paragraph, section, table
from purchase_pred.report.tables import FUNNEL_STEPS
from purchase_pred.report.user_lists import user_ranking_table
from purchase_pred.report.words import day, duration, heading, number, percent, times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purchase_pred.report.data import ReportData

_COHORTS: Final = {
    "all": "Everybody",
    "user": "Users: with rows in training (returning) or without (new)",
    "item": "Items: with rows in training (known) or without (cold)",
    "persona": "Persona",
    "category": "Category of the item",
    "week": "Week that begins on",
}
_LARGEST: Final = 15
"""Groups of a cohort that are shown at most, by rows."""
_COMPARED: Final = (
    "On test", "PR-AUC", "Times best rule", "Share of ceiling", "ROC-AUC", "Lift at 1 %", "Lift at 10 %", "Log-loss",
)  # fmt: skip
_CHECKS: Final = {
    "single_feature_auc": "One feature gives the answer away",
    "train_test_gap": "Test keeps less than training shows",
    "adversarial_validation": "Training and test can be told apart",
    "shared_users": "Users with rows in two splits",
    "few_positives": "Too few positives to judge by",
}


def data_section(data: ReportData, /) -> str:
    """Return the section on the log, the splits in time and the funnel."""
    log, boundaries, words = data.source.log, data.source.boundaries, data.words
    horizon, span = data.document["target"]["horizon"], boundaries[-1] - boundaries[0]
    embargo = data.source.embargo
    waits = f" Nor do validation and test begin within {duration(embargo)} of it." if embargo else ""
    steps = [("sessions", log["sessions"]), *((step, log[step]) for step in FUNNEL_STEPS if log[step])]
    days = [day(moment, span=span) for moment in (*boundaries, log["start"], log["end"])]
    rows = [
        (SPLIT_NAMES[row["split"]], start, end, *map(number, _counts(row)), percent(_share(row)))
        for row, (start, end) in zip(data.splits.iter_rows(named=True), pairwise(days[:4]), strict=True)
    ]
    return section(
        "data",
        "The data, and what was learnt from which part",
        paragraph(
            f"The log was {data.source.origin}. It holds {log['events']:,} events of {log['users']:,} users on "
            f"{log['items']:,} items in {log['sessions']:,} sessions, from {days[4]} to {days[5]}."
        ),
        figure(
            timeline_chart(boundaries, horizon=parse_duration(horizon), embargo=embargo),
            f"A row needs {duration(horizon)} to show whether {words.follows} follows. Rows whose answer would lie "
            f"beyond the end of their part (the pale ends) are purged, so that no part knows anything of the "
            f"next.{waits}",
        ),
        table(
            ("Part", "from", "to", "Rows", words.many.capitalize(), "Users", "Purged rows", f"Share that {words.it}"),
            rows,
        ),
        figure(funnel_chart(steps), "How far sessions get: how many hold at least one event of each kind."),
    )


def prevalence_section(data: ReportData, /) -> str:
    """Return the section on the share of positives over time."""
    words = data.words
    return section(
        "prevalence",
        "Week by week",
        paragraph(
            f"How often {words.follows} follows. A model can only keep its promises while this stays about the same."
        ),
        figure(
            prevalence_chart(data.weeks, words=words),
            f"Share of rows that {words.they}, by the week of the prediction (UTC), with 95 % intervals (Wilson).",
        ),
    )


def ranking_section(data: ReportData, /) -> str:
    """Return the section on precision, recall, ROC, lift, gain and the comparison in full."""
    test, words = data.document["splits"]["test"], data.words
    curve = next(iter(data.curves.values()))
    kinds = {position: "own" for position, name in enumerate(data.comparison["name"]) if name == data.document["model"]}
    ceiling = (
        " Dotted: the ceiling, an upper bound computed from the simulator's hidden state."
        if CEILING in data.curves
        else ""
    )
    return section(
        "ranking",
        "How well it ranks",
        paragraph(
            f"Of the best 1 % of the scores {percent(test['precision_at_1pct'])} {words.they}, "
            f"{times(test['lift_at_1pct'])} as many as at random; of the best 5 %, "
            f"{percent(test['precision_at_5pct'])}."
        ),
        figure(
            ranking_chart(data.curves, prevalence=test["prevalence"] or 0.0, words=words),
            f"First: the more {words.many} are reached, the more others are approached too. Second: the ROC curve; it "
            f"looks good easily where {words.many} are rare, so trust the first one. Coarse rules have few distinct "
            f"scores and thus few corners.{ceiling}",
        ),
        figure(
            gain_chart(curve, words=words) if test["positives"] else "",
            f"First: the share of {words.many} reached when a share of all predictions is acted on. Second: how many "
            f"times more of them {words.they} than at random.",
        ),
        table(
            _COMPARED,
            [_compared(row) for row in data.comparison.iter_rows(named=True)],
            caption="Everything that predicts, on the same rows of test",
            kinds=kinds,
        ),
        horizon_table(data),
        user_ranking_table(data),
    )


def calibration_section(data: ReportData, /) -> str:
    """Return the section on calibration and the histogram of scores."""
    words = data.words
    rows = [
        (
            f"{SPLIT_NAMES[row['split']]}, {row['stage']}", row["method"], percent(row["ece"]),
            number(row["brier"], 4), number(row["log_loss"], 4), number(row["slope"], 2), number(row["intercept"], 2),
        )
        for row in data.calibration.iter_rows(named=True)
    ]  # fmt: skip
    corrected = (
        "No correction of the scores did better than none on the later part of validation, so they are as they were."
        if data.calibrator == "none"
        else f"The scores were corrected to that end (method: {data.calibrator}) on the later part of validation, "
        "never on test."
    )
    return section(
        "calibration",
        "Whether its probabilities can be believed",
        paragraph(f"Of all predictions of 10 %, one in ten should be followed by {words.follows}. {corrected}"),
        figure(
            reliability_chart(data.reliability["before"], data.reliability["after"], words=words),
            "Each mark is a group of equally many predictions of test, by size of score. On the dashed line, what was "
            f"predicted is what happened; above it, more {words.did} than predicted.",
        ),
        table(
            ("", "Method", "Mean gap (ECE)", "Brier score", "Log-loss", "Slope", "Intercept"),
            rows,
            caption="Before and after calibration; slope 1 and intercept 0 are perfect",
            texts=(1,),
        ),
        figure(
            histogram_chart(data.histogram, threshold=data.document["threshold"]["threshold"], words=words),
            "How the scores of test are spread. The farther the two shapes stand apart, the better the ranking.",
        ),
    )


def earliness_section(data: ReportData, /) -> str:
    """Return the section on how early in a session a prediction is good; empty where all have seen as much."""
    if data.earliness is None or data.earliness.height < 2:  # noqa: PLR2004  (one point is no curve)
        return ""
    return section(
        "earliness",
        "How early it knows",
        figure(
            earliness_chart(data.earliness, words=data.words),
            "PR-AUC on test by the number of the session's events that were seen when the prediction was made.",
        ),
    )


def importance_section(data: ReportData, /) -> str:
    """Return the section on what the model builds on."""
    if data.swarm.is_empty():
        words = "This kind of model gives no exact contributions of its features, so none are shown."
        return section("importance", "What it builds on", paragraph(words))
    return section(
        "importance",
        "What it builds on",
        figure(
            importance_chart(data.importance),
            "First: exact SHAP values, how much a feature moves the predictions of test (mean size, as a share of "
            "all). Second: gain, how much it helped in training.",
        ),
        figure(
            swarm_chart(data.swarm, words=data.words),
            "Each dot is one prediction of test: right of the line the feature raises its score, left it lowers it. "
            "Blue is a low value of the feature, red a high one; grey is a missing value or a category.",
        ),
    )


def cohort_section(data: ReportData, /) -> str:
    """Return the section on cohorts."""
    rows, words = list(_cohort_rows(data.cohorts)), data.words
    several, share = words.many.capitalize(), f"Share that {words.it}"
    return section(
        "cohorts",
        "For whom it is good, and for whom not",
        table(
            ("On test", "Rows", several, share, "Predicted", "PR-AUC", "Times chance", "Lift at 10 %"),
            rows,
            caption=f"Figures of groups with few {words.many} are mostly chance",
        ),
    )


def flag_section(data: ReportData, /) -> str:
    """Return the section on red flags, those raised first."""
    found = data.flags.sort("flagged", descending=True, maintain_order=True)
    raised = int(found["flagged"].sum())
    told = {0: "None was raised.", 1: "One was raised."}.get(raised, f"{raised} were raised.")
    rows = [
        (
            _CHECKS.get(row["check"], row["check"]), "flag" if row["flagged"] else "fine", row["subject"],
            number(row["value"], 0 if row["limit"] in {None, FEW_POSITIVES} else 3), _limit(row["limit"]),
            row["meaning"],
        )
        for row in found.iter_rows(named=True)
    ]  # fmt: skip
    return section(
        "flags",
        "Red flags",
        paragraph(f"What usually means that good figures are too good, or will not last. {told}"),
        table(
            ("Looked for", "Verdict", "Found in", "Value", "Limit", "What it means"),
            rows,
            texts=(1, 2, 5),
            kinds=dict.fromkeys(range(raised), "flag"),
        ),
    )


def _counts(row: dict[str, Any]) -> tuple[int | None, ...]:
    return row["rows"], row["positives"], row["users"], row["purged"]


def _share(row: dict[str, Any]) -> float | None:
    return row["positives"] / row["rows"] if row["rows"] else None


def _compared(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        heading(row["name"]), number(row["average_precision"]), number(row["times_best_rule"], 2),
        percent(row["share_of_ceiling"]), number(row["roc_auc"]), number(row["lift_at_1pct"], 1),
        number(row["lift_at_10pct"], 1), number(row["log_loss"], 4),
    )  # fmt: skip


def _cohort_rows(cohorts: pl.DataFrame) -> Iterator[tuple[str, ...]]:
    for (cohort,), part in cohorts.group_by("cohort", maintain_order=True):
        if cohort != "all":
            yield (_COHORTS.get(str(cohort), str(cohort)),)
        shown = part if cohort == "week" else part.filter(pl.col("rows").rank("ordinal", descending=True) <= _LARGEST)
        for row in shown.iter_rows(named=True):
            reached, prevalence = row["average_precision"], row["prevalence"]
            yield (
                "Everybody" if cohort == "all" else row["value"], number(row["rows"]), number(row["positives"]),
                percent(prevalence), percent(row["mean_probability"]), number(reached),
                number(reached / prevalence if reached and prevalence else None, 1), number(row["lift_at_10pct"], 1),
            )  # fmt: skip
        if shown.height < part.height:
            yield (f"and {part.height - shown.height:,} smaller ones",)


def _limit(limit: float | None) -> str:
    return "none" if limit is None else f"{limit:g}"
