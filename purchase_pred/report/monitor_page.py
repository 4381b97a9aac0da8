"""The page of monitoring: one HTML file, in the style of the report, for whoever is on duty."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.durations import duration_name
from purchase_pred.report.markup import card, cards, figure, folded, page_head, paragraph, section, table, text
from purchase_pred.report.monitor_charts import calibration_chart, movers_chart, performance_chart, volume_chart
from purchase_pred.report.page import asset
from purchase_pred.report.words import counted, duration, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purchase_pred.monitoring.row_checks import RowsChecked
    from purchase_pred.monitoring.verdict import Verdict

_CONTENTS: Final = {
    "findings": "Findings",
    "days": "Day by day",
    "performance": "Performance",
    "calibration": "Probabilities",
    "features": "Features",
}
_CHECKS: Final = {
    "silent": "An event type is silent",
    "volume": "Events or users by day",
    "price": "Prices",
    "hours": "Hours of the day",
    "concentration": "The most active users",
    "psi": "A feature has moved",
    "missing": "Values are missing",
    "unseen": "Categories not learnt",
    "adversarial": "New rows can be told apart",
    "prevalence": "Positives against training",
    "calibration": "Positives against probabilities",
    "estimated_drop": "PR-AUC to be expected",
    "realised_drop": "PR-AUC that came",
}
_METRICS: Final = {
    "average_precision": "PR-AUC",
    "prevalence": "Share of positives",
    "precision_at_1pct": "Precision of the best 1 %",
    "recall_at_10pct": "Recall of the best 10 %",
    "log_loss": "Log-loss",
    "brier": "Brier score",
}
_PERIODS: Final = {
    "validation": "Validation, on which the model was stopped and calibrated",
    "matured": "The latest rows whose labels are known",
    "new": "New rows",
}
_MOVERS: Final = 15
_SMALL: Final = 0.0005


def render_monitor(verdict: Verdict, /) -> str:
    """Return the page of a verdict as one HTML document.

    It loads nothing, runs no script, reads in light and in dark, and prints. Equal verdicts give equal text.
    """
    rows = verdict.rows
    sections = [_findings_section(verdict), _days_section(verdict)]
    if rows:
        sections += [_performance_section(rows), _calibration_section(rows), _features_section(rows)]
    links = "".join(
        f'<li><a href="#{name}">{label}</a></li>'
        for name, label in _CONTENTS.items()
        if any(part.startswith(f'<section id="{name}"') for part in sections)
    )
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            page_head(f"Monitoring {verdict.model}: {_claim(verdict)}", style=asset("report.css")),
            "<body>",
            "<header>",
            paragraph(f"Monitoring {verdict.model}", kind="kind"),
            f'<h1 id="claim">{text(_claim(verdict))}</h1>',
            paragraph(_lead(verdict), kind="lead"),
            cards(_cards(verdict)),
            f'<nav aria-label="Contents"><ul>{links}</ul></nav>',
            "</header>",
            "<main>",
            *sections,
            "</main>",
            f"<footer>{paragraph(_footer(), kind='quiet')}</footer>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _claim(verdict: Verdict) -> str:
    passed = verdict.limits_passed
    if not passed:
        return "All is quiet"
    named = "; ".join(_CHECKS[check].lower() for check in passed)
    return f"{counted(verdict.alarms.height, 'finding')} beyond a limit: {named}"


def _lead(verdict: Verdict) -> str:
    days = verdict.days
    rows = (
        f" The rows of the last {duration(duration_name(verdict.window))} are held against those that the model learnt"
        " from."
        if verdict.rows
        else " The model has no row in these days, so nothing is said of it."
    )
    return (
        f"As of {verdict.as_of:%Y-%m-%d %H:%M} UTC, the days from {days.since} are held against the days before them."
        f"{rows}"
    )


def _cards(verdict: Verdict) -> Iterator[str]:
    yield card("Beyond a limit", str(verdict.alarms.height), f"of {counted(verdict.findings.height, 'finding')} told")
    if not verdict.rows:
        return
    reached = {row["period"]: row for row in verdict.rows.performance.filter(metric="average_precision").to_dicts()}
    yield card(
        "PR-AUC to be expected",
        number(reached["new"]["estimated"]),
        f"of the new rows, before labels are known; on validation it was {number(reached['validation']['estimated'])}",
    )
    yield card(
        "PR-AUC that came",
        number(reached["matured"]["realised"]),
        f"of the latest rows whose labels are known; {number(reached['matured']['estimated'])} was expected of them",
    )
    calibration = verdict.findings.filter(check="calibration")["found"]
    yield card(
        "Positives for each expected",
        number(calibration.item() if len(calibration) == 1 else None, 2),
        "of the same rows; 1 is what the probabilities promise",
    )


def _findings_section(verdict: Verdict) -> str:
    alarms, quiet = (verdict.findings.filter(pl.col("alarm") == raised) for raised in (True, False))
    return section(
        "findings",
        "Findings",
        paragraph(
            "Beyond a limit. A day is, when it is both too large for its limit and too odd for its history."
            if alarms.height
            else "Nothing is beyond a limit."
        ),
        _findings_table(alarms, kind="flag") if alarms.height else "",
        folded("The oddest day or feature of every check that is quiet", _findings_table(quiet, kind="")),
    )


def _findings_table(findings: pl.DataFrame, *, kind: str) -> str:
    rows = [
        (
            _CHECKS[row["check"]], row["subject"], row["meaning"], f"{row['day']:%a %d %b}" if row["day"] else "",
            _short(row["found"]), _short(row["usual"]), _short(row["limit"]),
        )
        for row in findings.iter_rows(named=True)
    ]  # fmt: skip
    heads = ("Looked for", "Found in", "What was found", "Day", "Value", "Usual", "Limit")
    return table(heads, rows, texts=(1, 2), kinds=dict.fromkeys(range(len(rows)), kind) if kind else None)


def _days_section(verdict: Verdict) -> str:
    days = verdict.days
    volumes = verdict.alarms.filter(pl.col("check").is_in(["silent", "volume"]))
    alarmed = set(volumes.select("subject", "day").iter_rows())
    compared = [
        (
            _CHECKS[row["check"]], row["subject"], f"{row['day']:%a %Y-%m-%d}", _short(row["figure"]),
            _short(row["expected"]), _short(row["deviation"]),
        )
        for row in days.compared.iter_rows(named=True)
    ]  # fmt: skip
    heads = ("Looked at", "Of", "Day", "Value", "Expected", "Standard deviations off")
    return section(
        "days",
        "Day by day",
        figure(
            volume_chart(days.volumes, since=days.since, alarmed=alarmed),
            "Events of each type, and users, by UTC day. The new days are dark; a cross marks those beyond a limit.",
        )
        if days.volumes.height
        else paragraph("The log has no event in these days."),
        folded("Every new day in figures", table(heads, compared, texts=(1, 2))),
    )


def _performance_section(rows: RowsChecked) -> str:
    parts: list[tuple[str, ...]] = []
    for period, title in _PERIODS.items():
        found = {row["metric"]: row for row in rows.performance.filter(period=period).iter_rows(named=True)}
        first = found["average_precision"]
        parts.append((f"{title}: {first['rows']:,} rows, {first['labelled']:,} with a label",))
        parts += [
            (label, number(found[name]["estimated"]), _interval(found[name]), number(found[name]["realised"]))
            for name, label in _METRICS.items()
        ]
    return section(
        "performance",
        "Performance, before and after labels are known",
        paragraph(
            "Estimated is what the model's own probabilities promise of these rows; it needs no label, and sees when "
            "rows have become harder to tell apart. It cannot see that purchases no longer follow the probabilities: "
            "that shows once labels are known."
        ),
        figure(performance_chart(rows.weeks), "By week in which predictions were made.") if rows.weeks.height else "",
        table(("", "Estimated", "95 % if right", "Realised"), parts),
    )


def _calibration_section(rows: RowsChecked) -> str:
    known = rows.weeks.drop_nulls("realised")
    if known.is_empty():
        return section("calibration", "Probabilities over time", paragraph("No label is known yet."))
    weeks = [
        (
            f"{row['week']}", number(row["labelled"]), percent(row["predicted"]), percent(row["realised"]),
            f"{percent(row['low'])} to {percent(row['high'])}",
        )
        for row in known.iter_rows(named=True)
    ]  # fmt: skip
    return section(
        "calibration",
        "Probabilities over time",
        figure(
            calibration_chart(rows.weeks),
            "Share of rows that were positive with its 95 % interval, clustered by user, and the mean probability.",
        ),
        table(("Week that begins on", "Rows with a label", "Predicted", "Realised", "95 % interval"), weeks),
    )


def _features_section(rows: RowsChecked) -> str:
    moved = rows.features.drop_nulls("psi")
    if moved.is_empty():
        return section("features", "Features", paragraph("The window holds no row."))
    shown = [
        (
            row["feature"], number(row["psi"], 2), number(row["psi_usual"], 2), _short(row["median_before"]),
            _short(row["median_now"]), percent(row["missing_before"]), percent(row["missing_now"]),
            "" if row["judged"] else "no",
        )
        for row in moved.iter_rows(named=True)
    ]  # fmt: skip
    heads = (
        "Feature", "Stability index", "Before, at most", "Median in training", "Median now", "Missing in training",
        "Missing now", "Judged",
    )  # fmt: skip
    telling = [
        (row["feature"], percent(row["gain_share"]), _short(row["mean_train"]), _short(row["mean_test"]))
        for row in rows.adversarial.head(_MOVERS).iter_rows(named=True)
    ]
    told = rows.findings.filter(check="adversarial")["meaning"].item()
    return section(
        "features",
        "Features against training",
        paragraph(
            "The stability index (PSI) compares the values of a feature in the new rows with those in training. "
            "Features that grow with the log have a large one in any shop: what counts is the jump beyond the windows "
            "before."
        ),
        figure(movers_chart(moved.head(_MOVERS)), "The features that have moved farthest."),
        folded(f"All {moved.height} features", table(heads, shown)),
        paragraph(f"{told[0].upper()}{told[1:]}."),
        table(("Told apart by", "Share of gain", "Mean in training", "Mean now"), telling) if telling else "",
    )


def _interval(row: dict[str, Any]) -> str:
    return "" if row["low"] is None else f"{number(row['low'])} to {number(row['high'])}"


def _short(value: float | None) -> str:
    """Return a figure of whatever size with the digits that matter."""
    if value is None:
        return ""
    if value == round(value) or abs(value) >= 1_000:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < _SMALL else f"{value:,.3f}"


def _footer() -> str:
    return (
        f"Made by purchase-pred {version('purchase-pred')}. This file holds everything it shows and asks no server for "
        "anything. The same figures, for programs: purchase-pred monitor --json."
    )
