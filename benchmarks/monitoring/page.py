"""The table of planted faults in docs/monitoring.md, of what the benchmark found and of nothing else."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.settings.monitor import MonitorLimits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE: Final = Path(__file__).parents[2] / "docs" / "monitoring.md"
BLOCK: Final = re.compile(r"<!-- (?P<name>planted faults|quiet days) -->\n.*?<!-- end -->", re.DOTALL)
_DAYS: Final = ("silent", "volume", "price", "hours", "concentration")
_MOST: Final = 4
_WIDTH: Final = 120


def write_page(results: Path, /) -> None:
    """Write the table into the page."""
    document = json.loads(results.read_text(encoding="utf-8"))
    PAGE.write_text(fresh(PAGE.read_text(encoding="utf-8"), document), encoding="utf-8")


def fresh(page: str, document: Mapping[str, Any], /) -> str:
    """Return the page with the tables of these results between their marks."""
    tables = {"planted faults": table, "quiet days": quiet_table}
    return BLOCK.sub(
        lambda block: "\n".join([f"<!-- {block['name']} -->", *tables[block["name"]](document), "<!-- end -->"]), page
    )


def table(document: Mapping[str, Any], /) -> Iterator[str]:
    """Yield the lines of the table and of what quiet nights came to."""
    shop = document["shop"]
    yield "| planted | found after | by the days of the log | by the model's rows |"
    yield "|---|---|---|---|"
    for fault, found in document["faults"].items():
        after = f"{_nights(min(found.values()))}" if found else "not found"
        yield f"| {fault} | {after} | {_told(found, days=True)} | {_told(found, days=False)} |"
    yield ""
    days, rows = document["quiet_days"], document["quiet_rows"]
    nights = sum(one["nights"] for one in days.values())
    odd = sum(len(one["alarms"]) for one in days.values())
    told = (
        f"False alarms: on {odd} of {nights:,} quiet nights in {len(days)} shops by the days of the log, and on "
        f"{len(rows['alarms'])} of {rows['nights']} by the model's rows{_false(document)}. The shop has "
        f"{shop['users']:,} users and {shop['events'] / shop['days']:,.0f} events a day; the model had been trained on "
        f"its first {shop['trained']} days. In brackets: the nights after which a check first raised its alarm."
    )
    yield from textwrap.wrap(told, _WIDTH, break_long_words=False, break_on_hyphens=False)


def quiet_table(document: Mapping[str, Any], /) -> Iterator[str]:
    """Yield the lines of the table of the oddest quiet days, beside the limits that they lie inside of."""
    limits = MonitorLimits()
    sizes = {
        "volume": limits.volume, "price level": limits.price_level, "price jumps": limits.price_jumps,
        "hours": limits.hours, "concentration": limits.concentration,
    }  # fmt: skip
    yield "| check | of | usual | standard deviations off, at the most | limit | size, at the most | limit |"
    yield "|---|---|---|---|---|---|---|"
    for row in document["quiet_extremes"]:
        limit = sizes[row["subject"] if row["check"] == "price" else row["check"]]
        figures = " | ".join(f"{row[name]:.3g}" for name in ("expected", "deviation"))
        yield f"| `{row['check']}` | {row['subject']} | {figures} | {limits.deviation} | {row['size']:.3g} | {limit} |"


def _told(found: Mapping[str, int], *, days: bool) -> str:
    """Name the checks with the night on which each first raised an alarm, the soonest first."""
    first: dict[str, int] = {}
    subjects: dict[str, list[str]] = {}
    for alarm, night in found.items():
        check, _, subject = alarm.partition(": ")
        if (check in _DAYS) == days:
            first[check] = min(night, first.get(check, night))
            subjects.setdefault(check, []).append(subject)
    ordered = sorted(first, key=lambda check: (first[check], list(first).index(check)))
    return ", ".join(f"`{check}`{_of(check, subjects[check])} ({first[check]})" for check in ordered) or "-"


def _of(check: str, subjects: list[str]) -> str:
    """Tell what a check found it in, where that says more than its name."""
    if check not in {"silent", "volume", "psi", "missing"}:
        return ""
    if len(subjects) > _MOST:
        return f" of {len(subjects)} features"
    return f" {', '.join(sorted(subjects))}"


def _false(document: Mapping[str, Any]) -> str:
    raised = [
        one for shop in (*document["quiet_days"].values(), document["quiet_rows"]) for one in shop["alarms"].values()
    ]
    names = sorted({alarm for alarms in raised for alarm in alarms})
    return f" ({', '.join(names)})" if names else ""


def _nights(count: int) -> str:
    return "one night" if count == 1 else f"{count} nights"
