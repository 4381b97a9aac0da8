"""The report's section on money: expected against realised spend, and what the best part of the list would bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purchase_pred.evaluation.spend import MEAN_AMOUNT, SPEND, TOP_PERCENTS
from purchase_pred.report.curve_charts import money_chart
from purchase_pred.report.markup import figure, paragraph, section, table
from purchase_pred.report.words import MISSING, number, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.report.data import ReportData


def spend_section(data: ReportData, /) -> str:
    """Return the section on expected spend; empty for a model without amounts."""
    found = data.document.get(SPEND)
    if not found:
        return ""
    test, rule = found["test"], found[MEAN_AMOUNT]
    return section(
        "spend",
        "What it is worth in money",
        paragraph(
            f"Beside the probability stands an expected spend: the probability times what a buyer like this spends, by "
            f"a second booster. On test {_money(test['realised'])} were spent on {test['rows']:,} rows, and "
            f"{_money(test['expected'])} were expected. The best 10 % by expected spend hold "
            f"{percent(test['captured_at_10pct'])} of the money."
        ),
        figure(
            money_chart(data.money) if data.money else "",
            "The share of all money on the rows acted on, when they are put in order by expected spend, by the "
            "probability alone, and, as nobody can, by what was spent in the end.",
        ),
        table(
            ("Tenth of the list", "Rows", "Expected per row", "Realised per row", "Expected / realised"),
            _deciles(test["deciles"]),
            caption="Test in ten groups of equally many rows, the highest expected spend first",
        ),
        table(
            ("On test", "Mean error per row", *(f"Money in the best {share} %" for share in TOP_PERCENTS)),
            [_figures("Expected spend", test), _figures("Probability times the mean amount", rule)],
            caption="Beside what needs no second booster",
            kinds={0: "own"},
        ),
    )


def _deciles(deciles: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (
            str(place),
            number(row["rows"]),
            _money(row["expected"]),
            _money(row["realised"]),
            number(row["expected"] / row["realised"] if row["realised"] else None, 2),
        )
        for place, row in enumerate(reversed(deciles), start=1)
    ]


def _figures(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    captured = (percent(found[f"captured_at_{share}pct"]) for share in TOP_PERCENTS)
    return (name, _money(found["mean_absolute_error"]), *captured)


def _money(amount: float | None) -> str:
    return MISSING if amount is None else f"{amount:,.2f}"
