"""What the windows benchmark found: cases, their ratios, the targets beside what was reached, as tables and JSON."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import groupby
from operator import itemgetter
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.windows.targets import reached

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WINDOWS: Final = 3
WIDTH: Final = 120


@dataclass
class Case:
    """One peer on one log in one order, and what its runs took."""

    peer: str
    order: str
    events: int
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)
    bytes_above_loaded: list[int] = field(default_factory=list)
    anchors: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    skipped: str | None = None
    """Why it was not run: not installed, or it takes too long."""
    fault: str | None = None
    """How it failed: an error, or other counts than ours."""

    @property
    def stands(self) -> bool:
        """Whether its times count."""
        return self.skipped is None and self.fault is None

    def note(self, report: Mapping[str, Any]) -> None:
        """Take in what one process reported."""
        if "skipped" in report:
            self.skipped = report["skipped"]
            return
        self.seconds.append(report["seconds"])
        self.cpu_seconds.append(report["cpu_seconds"])
        self.peak_bytes.append(report["peak_bytes"])
        self.bytes_above_loaded.append(report["bytes_above_loaded"])
        self.anchors = report["anchors"]
        self.versions = report["versions"]


def as_document(cases: Iterable[Case], kept: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return the JSON document: the machine, a row per case with medians and ratios, and the targets.

    A row's load, of the last 15 minutes, well above 1 says that others used the machine at the same time. `kept` are
    rows of an earlier document; those of sizes that were measured anew are dropped.
    """
    cases = list(cases)
    measured = {case.events for case in cases}
    rows = [*(row for row in kept if row["events"] not in measured), *(_row(case, cases) for case in cases)]
    rows.sort(key=itemgetter("events"))
    return {
        "machine": machine(),
        "cases": rows,
        "targets": reached(rows),
    }


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "cores": os.cpu_count(),
        "Python": platform.python_version(),
        "Polars": version("polars"),
    }


def print_tables(document: Mapping[str, Any]) -> None:
    """Print a table of the cases for each size and order, and one of the targets."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    for (events, order), rows in groupby(document["cases"], key=itemgetter("events", "order")):
        console.print(_table(f"{events:,} events, {order}: 12 window counts", list(rows)))
    aims = Table(title="targets")
    for name in ("target", "limit", "reached", "(cpu)", "met"):
        aims.add_column(name)
    for target in document["targets"]:
        met = {True: "yes", False: "no", None: "not measured"}[target["met"]]
        reached_cpu = number(target.get("reached_cpu"), 2)
        aims.add_row(target["target"], target["limit"], number(target["reached"], 2), reached_cpu, met)
    console.print(aims)


def _table(title: str, rows: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(title=title, caption="medians; ratios are per anchor, within rounds", title_justify="left")
    table.add_column("peer", no_wrap=True)
    for name in ("seconds", "cpu s", "x ours", "x ours (cpu)", "x floor", "peak MB", "bytes/event"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("note")
    for row in rows:
        table.add_row(row["peer"], number(row["seconds"], 4), number(row["cpu_seconds"], 4), *beside_peers(row))
    return table


def _row(case: Case, cases: list[Case]) -> dict[str, Any]:
    beside = {other.peer: other for other in cases if (other.events, other.order) == (case.events, case.order)}
    seconds = median(case.seconds) if case.stands else None
    return {
        "events": case.events,
        "order": case.order,
        "peer": case.peer,
        "anchors": case.anchors,
        "rounds": len(case.seconds),
        "load": round(os.getloadavg()[2], 1),
        "seconds": seconds,
        "all_seconds": case.seconds,
        "cpu_seconds": median(case.cpu_seconds) if case.stands else None,
        "times_ours": _ratio(case, beside.get("ours")) if case.stands else None,
        "cpu_times_ours": _ratio(case, beside.get("ours"), "cpu_seconds") if case.stands else None,
        "times_floor": _ratio(case, beside.get("single_pass")) if case.stands else None,
        "ns_per_anchor_window": seconds / case.anchors / WINDOWS * 1e9 if seconds else None,
        "peak_bytes": median(case.peak_bytes) if case.stands else None,
        "bytes_above_loaded_per_event": median(case.bytes_above_loaded) / case.events if case.stands else None,
        "versions": case.versions,
        "note": case.skipped or case.fault or "",
    }


def _ratio(case: Case, base: Case | None, measure: str = "seconds") -> float | None:
    """Return the median over the rounds of time per anchor over the base's time per anchor."""
    if base is None or not base.stands:
        return None
    rounds = zip(getattr(case, measure), getattr(base, measure), strict=True)
    return median(mine / theirs for mine, theirs in rounds) * base.anchors / case.anchors


def beside_peers(row: Mapping[str, Any], /) -> tuple[str, ...]:
    """Return how a case compares: times ours on the clock and by processor, times the floor, memory, and the note."""
    return (
        number(row["times_ours"], 2),
        number(row["cpu_times_ours"], 2),
        number(row["times_floor"], 2),
        number(row["peak_bytes"], 0, unit=1e6),
        number(row["bytes_above_loaded_per_event"], 0),
        row["note"],
    )


def number(value: float | None, digits: int, *, unit: float = 1) -> str:
    """Return a value in units, with so many digits; nothing for None."""
    return "" if value is None else f"{value / unit:,.{digits}f}"
