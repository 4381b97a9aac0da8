"""The part of the report that turns scores into decisions: the threshold, the daily budget, and what they bring."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.report.curve_charts import decision_chart
from purchase_pred.report.markup import figure, paragraph, section, table, text
from purchase_pred.report.tables import ROUND_BUDGETS
from purchase_pred.report.words import MISSING, THIN, counted, number, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.report.data import ReportData

_LARGE: Final = 1_000
_FIGURES: Final = (
    ("acted", "Acted on{per_day}", "{of_them}"),
    ("precision", "Precision", "of those acted on {they}"),
    ("recall", "Recall", "of all {many} reached"),
    ("reached", "{Many} reached", "of {positives} {in_test}"),
    ("profit", "Profit", "{over_them}, in your own currency"),
)
_RULES: Final = {
    "profit": "the threshold of most profit",
    "capacity": "the threshold that just fills the daily budget",
    "precision": "the lowest threshold that keeps the precision asked for",
}
_DAILY: Final = {
    "per_day": " per day",
    "of_them": "predictions, on average",
    "in_test": "in {days} of test",
    "over_them": "over these days",
    "budget": "Daily budget",
    "a_budget": "A daily budget",
    "your_budget": "The daily budget you set",
    "each": "of each day",
    "all": "on {days} of test",
}
_ONE_DATE: Final = {
    "per_day": "",
    "of_them": "predictions of {date}",
    "in_test": "on the one date of test",
    "over_them": "on that date",
    "budget": "Budget",
    "a_budget": "A budget",
    "your_budget": "The budget you set",
    "each": "of the date",
    "all": "on {date}, the one date of test",
}
_CONTROLS: Final = """\
<form id="controls" hidden>
<fieldset><legend>What limits you?</legend>
<label><input type="radio" name="by" value="threshold" checked> A threshold: act on every prediction from it on</label>
<label><input type="radio" name="by" value="budget"> {a_budget}: act on the best {each}</label>
</fieldset>
<div class="slider"><label for="threshold">Threshold: <span id="threshold-text"></span></label>
<input type="range" id="threshold" min="0" step="1" aria-describedby="which">
<small>left: stricter, right: act on more</small></div>
<div class="slider" hidden><label for="budget">{budget}: <span id="budget-text"></span></label>
<input type="range" id="budget" min="0" step="1" aria-describedby="which">
<small>left: fewer, right: more</small></div>
<button type="button" id="reset">Back to the chosen threshold</button>
</form>"""


def decision_section(data: ReportData, /) -> str:
    """Return the section in which the reader weighs precision against positives reached."""
    threshold = data.document["threshold"]
    positives = data.document["splits"]["test"]["positives"]
    words = _words(data)
    chart = decision_chart(
        data.decisions,
        positives=positives,
        days=data.days,
        per=words["per_day"],
        words=data.words,
    )
    return section(
        "decide",
        "Act on it: how many to approach",
        paragraph(
            f"Acting on a prediction (an e-mail, a reminder, a coupon) is worth {_worth(data)}. On validation, "
            f"{_RULES[threshold['rule']]} was chosen; here is what it brings on test, which had no part in the "
            f"choice.{_one_date(data)}"
        ),
        _CONTROLS.format_map(words),
        f'<p><strong id="which">{text(_own(threshold))}</strong></p>',
        _figures(data, threshold["test"], positives),
        f'<p id="intervals" class="quiet">{text(_intervals(threshold))}</p>',
        figure(chart.svg, "The vertical line is the decision that the figures above describe."),
        _budgets(data, positives),
        f'<script type="application/json" id="decisions">{_json(data, chart.start, chart.slope)}</script>',
    )


def _words(data: ReportData) -> dict[str, str]:
    """Return how decisions are spoken of: by the day, or by the date where there is one alone."""
    words = _DAILY if data.date is None else _ONE_DATE
    date = "" if data.date is None else f"{data.date.day} {data.date:%b %Y}"
    told = {name: text.format(days=counted(data.days, "day"), date=date) for name, text in words.items()}
    spoken = data.words
    return {**told, "they": spoken.they, "many": spoken.many, "Many": spoken.many.capitalize()}


def _one_date(data: ReportData) -> str:
    if data.date is None:
        return ""
    return (
        f" All predictions of test were made on one date, {data.date.day} {data.date:%B %Y}: the figures are of that "
        "date, none is per day, and how other dates would have gone they do not say."
    )


def _worth(data: ReportData) -> str:
    profit, words = data.profit, data.words
    parts = [f"{profit['true_positive']:+g} if {words.follows} follows", f"{profit['false_positive']:+g} if not"]
    if profit["false_negative"]:
        parts.append(f"{profit['false_negative']:+g} for a {words.one} left alone")
    if profit["true_negative"]:
        parts.append(f"{profit['true_negative']:+g} for leaving the others alone")
    return ", ".join(parts)


def _own(threshold: Mapping[str, Any]) -> str:
    if threshold["threshold"] is None:
        return "The chosen decision: never act, since acting did not pay on validation"
    return f"The chosen threshold: act from a probability of {percent(threshold['threshold'])} on"


def _figures(data: ReportData, found: Mapping[str, Any], positives: int) -> str:
    values = {
        "acted": (f"{found['acted_per_day']:,.1f}", found["acted_per_day"]),
        "precision": (percent(found["precision"]), found["precision"]),
        "recall": (percent(found["recall"]), found["recall"]),
        "reached": (number(found["true_positives"]), found["true_positives"]),
        "profit": (_money(found["profit"]), found["profit"]),
    }
    parts, words = [], _words(data)
    for name, term, note in _FIGURES:
        shown, value = values[name]
        told, named = (part.format(positives=number(positives), **words) for part in (note, term))
        raw = "" if value is None else repr(value)
        parts.append(
            f'<div><dt id="{name}-name">{named}</dt><dd><output id="{name}" aria-labelledby="{name}-name" '
            f'data-value="{raw}">{text(shown)}</output><small>{text(told)}</small></dd></div>'
        )
    return f'<dl class="cards five" aria-live="polite">{"".join(parts)}</dl>'


def _intervals(threshold: Mapping[str, Any]) -> str:
    found = threshold["test_intervals_95"]
    parts = [
        f"{name} {show(bounds[0])} to {show(bounds[1])}"
        for name, show in (("precision", percent), ("recall", percent), ("profit", _money))
        if (bounds := found[name]) is not None
    ]
    if not parts:
        return "No intervals were asked for."
    return f"How sure these figures are (95{THIN}% intervals, from resampling whole users): {'; '.join(parts)}."


def _budgets(data: ReportData, positives: int) -> str:
    shown = data.budgets.filter(pl.col("per_day").is_in(ROUND_BUDGETS))
    rows, words = [], _words(data)
    for per_day, acted, found in shown.select("per_day", "acted", "true_positives").iter_rows():
        recall = found / positives if positives else None
        profit = _profit(data, acted, found)
        rows.append(
            (
                f"the best {per_day:,} {words['each']}",
                f"{acted:,}",
                percent(found / acted),
                percent(recall),
                _money(profit),
            )
        )
    return table(
        (words["budget"], "Acted on in all", "Precision", "Recall", "Profit"),
        rows,
        caption=f"What {words['a_budget'].lower()} brings {words['all']}",
    )


def _profit(data: ReportData, acted: int, found: int) -> float:
    test, worth = data.document["splits"]["test"], data.profit
    wrong, missed = acted - found, test["positives"] - found
    spared = test["rows"] - test["positives"] - wrong
    total: float = (
        found * worth["true_positive"]
        + wrong * worth["false_positive"]
        + spared * worth["true_negative"]
        + missed * worth["false_negative"]
    )
    return total


def _money(amount: float | None) -> str:
    return MISSING if amount is None else f"{amount:,.{2 if abs(amount) < _LARGE else 0}f}"


def _json(data: ReportData, start: float, slope: float) -> str:
    worth = data.profit
    content = {
        "threshold": data.decisions.select("threshold", "acted", "true_positives").rows(),
        "chosen": data.decisions["chosen"].arg_max(),
        "words": {name: _words(data)[name] for name in ("your_budget", "each")},
        "own": _own(data.document["threshold"]),
        "budget": data.budgets.select("per_day", "acted", "true_positives").rows(),
        "rows": data.document["splits"]["test"]["rows"],
        "positives": data.document["splits"]["test"]["positives"],
        "days": data.days,
        "profit": [worth[name] for name in ("true_positive", "false_positive", "true_negative", "false_negative")],
        "line": [start, slope],
    }
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
