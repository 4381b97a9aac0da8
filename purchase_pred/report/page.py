"""The report of one model: one HTML file that needs nothing but itself, for the owner of the shop."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.evaluation.red_flags import FEW_POSITIVES
from purchase_pred.report.data_charts import comparison_chart
from purchase_pred.report.decisions import decision_section
from purchase_pred.report.markup import card, cards, figure, folded, page_head, paragraph, section, table, text
from purchase_pred.report.model_card import model_card
from purchase_pred.report.sections import (
    calibration_section,
    cohort_section,
    data_section,
    earliness_section,
    flag_section,
    importance_section,
    prevalence_section,
    ranking_section,
)
from purchase_pred.report.spend import spend_section
from purchase_pred.report.words import (
    counted,
    heading,
    moment_of_prediction,
    number,
    outcome,
    percent,
    times,
)

if TYPE_CHECKING:
    from purchase_pred.report.data import ReportData

_HARDLY: Final = 1.1
_CONTENTS: Final = {
    "decide": "Act on it",
    "data": "Data",
    "prevalence": "Week by week",
    "ranking": "Ranking",
    "spend": "Money",
    "calibration": "Probabilities",
    "earliness": "How early",
    "importance": "Why",
    "cohorts": "For whom",
    "flags": "Red flags",
    "card": "Model card",
    "settings": "Settings",
}


def render_report(data: ReportData, /) -> str:
    """Return the report as one HTML document.

    It loads nothing, reads in light and in dark, prints, and works without its script, which only lets the reader move
    the threshold or the daily budget. Equal tables give equal text.
    """
    script = asset("report.js")
    title = f"{heading(data.document['model'])}: {outcome(data.document['target'])}"
    sections = [
        decision_section(data),
        data_section(data),
        prevalence_section(data),
        ranking_section(data),
        spend_section(data),
        calibration_section(data),
        earliness_section(data),
        importance_section(data),
        cohort_section(data),
        flag_section(data),
        model_card(data),
        _settings_section(data),
    ]
    present = [part for part in sections if part]
    links = "".join(
        f'<li><a href="#{name}">{label}</a></li>'
        for name, label in _CONTENTS.items()
        if any(part.startswith(f'<section id="{name}"') for part in present)
    )
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            page_head(title, style=asset("report.css"), script=script),
            "<body>",
            _headline(data, f'<nav aria-label="Contents"><ul>{links}</ul></nav>'),
            "<main>",
            *present,
            "</main>",
            f"<footer>{paragraph(_footer(data), kind='quiet')}</footer>",
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def asset(name: str, /) -> str:
    """Return a style or a script of the pages."""
    return (files("purchase_pred.report") / "assets" / name).read_text(encoding="utf-8").strip()


def _headline(data: ReportData, contents: str) -> str:
    model = data.document["model"]
    raised = int(data.flags["flagged"].sum())
    them = "it" if raised == 1 else "them"
    warning = f"{counted(raised, 'red flag')} raised: read about {them} before you trust these figures"
    return "\n".join(
        [
            "<header>",
            paragraph(f"Report on {model}", kind="kind"),
            f"<h1>{text(_claim(data))}</h1>",
            paragraph(_lead(data), kind="lead"),
            f'<p><a class="warning" href="#flags">{warning}</a></p>' if raised else "",
            cards(_headline_cards(data)),
            figure(comparison_chart(data.comparison, model=model), _comparison_caption(data)),
            contents,
            "</header>",
        ]
    )


def _claim(data: ReportData) -> str:
    """Return what may be said in one line, which is little where positives are few."""
    many = data.words.many
    name, test = heading(data.document["model"]), data.document["splits"]["test"]
    if test["positives"] < FEW_POSITIVES:
        return f"{name}: too few {many} to judge it by"
    better = test["average_precision"] / test["prevalence"]
    if better < _HARDLY:
        return f"{name} ranks {many} no better than chance"
    return f"{name} ranks {many} {times(better)} better than chance"


def _lead(data: ReportData) -> str:
    target, test = data.document["target"], data.document["splits"]["test"]
    rules = data.comparison.filter(pl.col("kind") == "baseline", ~pl.col("name").is_in(["prevalence", "logistic"]))
    best = rules.drop_nulls("average_precision").sort("average_precision", descending=True).head(1)
    rule = "".join(
        f" The best rule that needs no model ({heading(name).lower()}) reaches a PR-AUC of {number(reached)}."
        for name, reached in best.select("name", "average_precision").iter_rows()
    )
    models = data.comparison.filter(kind="model").height
    others = f" Of the {models} models trained on the same rows, {heading(data.best)} did best on validation."
    followed = "was" if test["positives"] == 1 else "were"
    return (
        f"It answers, {moment_of_prediction(target)}: how likely is it that {outcome(target)}? "
        f"It was judged on {counted(test['rows'], 'prediction')} of the last part of the log, later than anything it "
        f"learnt from. {test['positives']:,} of them ({percent(test['prevalence'])}) {followed} followed by "
        f"{data.words.follows}.{rule}{others if models > 1 else ''}"
    )


def _headline_cards(data: ReportData) -> list[str]:
    document, words = data.document, data.words
    test, ceiling = document["splits"]["test"], document["ceiling"]
    reached = test["average_precision"]
    found = [
        card("PR-AUC on test", number(reached), f"chance is {number(test['prevalence'])}, perfect is 1"),
        card(
            "Best 1 % of the scores",
            f"{percent(test['precision_at_1pct'])} {words.they}",
            f"picked at random {percent(test['prevalence'])} would",
        ),
        card(
            "Best 10 % of the scores",
            f"{percent(test['recall_at_10pct'])} of {words.many}",
            "are among them; at random it would be 10 %",
        ),
        card(
            "Probabilities are off by",
            percent(test["ece"]),
            "mean gap between predicted and observed share (ECE)",
        ),
    ]
    if ceiling and ceiling["average_precision"] and reached:
        share, most = percent(reached / ceiling["average_precision"]), number(ceiling["average_precision"])
        found.insert(
            1, card("Share of the ceiling", share, f"upper bound, computed from the simulator's hidden state: {most}")
        )
    return found


def _comparison_caption(data: ReportData) -> str:
    ceiling = (
        " The ceiling is an upper bound, computed from the simulator's hidden state."
        if data.document["ceiling"]
        else ""
    )
    words = data.words
    return (
        "PR-AUC, the average precision: go down the list of predictions from the highest score and note, at each "
        f"{words.one}, which share of the list so far {words.did}; the mean of these shares is the PR-AUC. Rules that "
        f"any shop could run today stand beside the models.{ceiling}"
    )


def _settings_section(data: ReportData) -> str:
    settings = [(key, str(value)) for key, value in data.source.settings.items()]
    fingerprints = list(data.source.fingerprints.items())
    return section(
        "settings",
        "Settings and data",
        paragraph("Equal data, settings and versions give the same model and the same figures."),
        table(("File", "Fingerprint of its content"), fingerprints, texts=(1,)),
        table(("Program", "Version"), list(data.versions.items()), texts=(1,)),
        folded(f"All {len(settings)} settings", table(("Setting", "Value"), settings, texts=(1,))),
    )


def _footer(data: ReportData) -> str:
    return (
        f"Made by purchase-pred {data.versions['purchase-pred']}. This file holds everything it shows and asks no "
        "server for anything. The same figures, for programs, are in metrics.json beside it."
    )
