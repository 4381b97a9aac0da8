"""The tables of expected spend: beside the rival, by tenths of the list, and by kinds of boosters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.quality.tables import spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FIGURES: Final = {"mean_absolute_error": 3, "root_mean_squared_error": 2, "captured_at_10pct": 3}
"""Each with the digits that matter."""


def spend(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of models and rival."""
    yield (
        "",
        "mean absolute error, $ [95 %]",
        "root mean squared error, $",
        "money in the best 10 % [95 %]",
        "expected / realised",
    )
    for row in found["models"]:
        named = f"**{row['name']}**" if row["name"] == found["chosen"] else row["name"]
        figures = (spread(row[name], digits) for name, digits in _FIGURES.items())
        yield named, *figures, f"{row['expected_over_realised']:.2f}"


def spend_differences(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of paired differences: what ours is better by."""
    yield (
        "ours",
        "rival",
        "error lower by, $",
        "squared error's root lower by, $",
        "more of the money in the best 10 %",
    )
    by_pair: dict[tuple[str, str], dict[str, str]] = {}
    for row in found["differences"]:
        by_pair.setdefault((row["ours"], row["rival"]), {})[row["figure"]] = spread(row, 4)
    for (ours, rival), figures in by_pair.items():
        yield ours, rival, *(figures[name] for name in _FIGURES)


def spend_deciles(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of the chosen model's expected and realised spend, the best tenth first."""
    yield ("tenth of the list", "rows", "expected per row, $", "realised per row, $")
    for place, row in enumerate(reversed(found["deciles"]), start=1):
        yield str(place), f"{row['rows']:,}", f"{row['expected']:.2f}", f"{row['realised']:.2f}"


def amount_kinds(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of kinds of boosters of amounts."""
    yield ("log", "amounts by", "error given a purchase", "error of expected spend", "money in the best 10 %")
    for row in found["kinds"]:
        amount = "" if row["error_of_amount"] is None else f"{row['error_of_amount']:.2f}"
        yield row["log"], row["kind"], amount, f"{row['mean_absolute_error']:.3f}", f"{row['captured_at_10pct']:.3f}"
