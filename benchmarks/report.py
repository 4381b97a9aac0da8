"""Write what the benchmarks found, as their JSON holds it, into RESULTS.md.

    python benchmarks/report.py

Reasons for targets that are not met are read from `reasons.json`, by the beginning of the target's name.
"""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HERE: Final = Path(__file__).parent
IDLE: Final = 2
"""A load that the benchmark itself makes."""


def main() -> None:
    """Read the results that are there and write the page."""
    lines = ["# Results", "", "Written by `python benchmarks/report.py` from `results/*.json`."]
    for name, describe in (("windows", windows), ("features", features)):
        path = HERE / "results" / f"{name}.json"
        if path.is_file():
            lines += ["", *describe(json.loads(path.read_text()))]
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n")


def windows(document: Mapping[str, Any]) -> Iterator[str]:
    """Describe the windows benchmark: a table per size and order, then the targets."""
    yield "## Twelve window counts (4 event types x 3 windows, by user)"
    yield from ("", _machine(document))
    for (events, order), cases in groupby(document["cases"], key=itemgetter("events", "order")):
        rows = list(cases)
        yield from ("", f"### {events:,} events, {order}", "")
        yield f"Medians of {max(row['rounds'] for row in rows)} rounds; load of the machine {_load(rows)}."
        yield ""
        yield from _table(
            (
                "",
                "seconds",
                "times ours",
                "times ours, cpu",
                "times the floor",
                "peak MB",
                "bytes per event above the frames",
                "note",
            ),
            (
                (
                    f"`{row['peer']}`",
                    _number(row["seconds"], 4),
                    _number(row["times_ours"], 2),
                    _number(row["cpu_times_ours"], 2),
                    _number(row["times_floor"], 2),
                    _number(row["peak_bytes"], 0, unit=1e6),
                    _number(row["bytes_above_loaded_per_event"], 0),
                    row["note"],
                )
                for row in rows
            ),
        )
    yield from ("", "### Targets", "")
    reasons = json.loads((HERE / "reasons.json").read_text())
    yield from _table(
        ("target", "limit", "reached", "by cpu time", "met", "why not"),
        (
            (
                target["target"],
                target["limit"],
                _number(target["reached"], 2),
                _number(target.get("reached_cpu"), 2),
                {True: "yes", False: "no", None: "not measured"}[target["met"]],
                "" if target["met"] else _reason(target["target"], reasons),
            )
            for target in document["targets"]
        ),
    )


def features(document: Mapping[str, Any]) -> Iterator[str]:
    """Describe the features benchmark: the steps, the ratio, and where the time goes."""
    size = f"{document['events']:,} events to {document['rows']:,} rows x {document['columns']} columns"
    yield from (f"## The whole feature dictionary, {size}", "", _machine(document), "")
    yield from _table(
        ("step", "seconds", "seconds of all cores"),
        (
            *_steps(document["steps"], document["cpu_steps"]),
            ("**whole line**", f"**{document['seconds']:.2f}**", ""),
            *_steps(document["bare_steps"], document["bare_cpu_steps"]),
            ("**bare necessity**", f"**{document['bare_seconds']:.2f}**", ""),
        ),
    )
    yield ""
    yield (
        f"Whole line / bare necessity: **{document['times_bare']:.2f}** (target: at most {document['target']}), "
        f"medians of {document['rounds']}; peak memory {document['peak_bytes'] / 1e9:.2f} GB."
    )
    profile = document["profile"]
    if profile:
        yield from ("", "Where the time goes, by kind of node of the query, all threads together:", "")
        whole = sum(profile["nodes"].values())
        yield from _table(
            ("node", "seconds", "share"),
            (
                (f"`{kind}`", f"{seconds:.2f}", f"{seconds / whole:.0%}")
                for kind, seconds in profile["nodes"].items()
                if seconds >= whole / 100
            ),
        )
        yield from ("", "What each feature group adds to those before it, in memory, seconds of all cores:", "")
        yield from _table(
            ("group", "seconds"), ((part, f"{seconds:+.2f}") for part, seconds in profile["cpu_seconds"].items())
        )


def _machine(document: Mapping[str, Any]) -> str:
    return "Measured with " + ", ".join(f"{name} {value}" for name, value in document["machine"].items()) + "."


def _load(rows: Iterable[Mapping[str, Any]]) -> str:
    loads = [row["load"] for row in rows if row["load"] is not None]
    return f"{max(loads)}, in part by other programs" if loads and max(loads) > IDLE else "its own"


def _steps(seconds: Mapping[str, float], cpu_seconds: Mapping[str, float]) -> Iterator[tuple[str, str, str]]:
    for step, taken in seconds.items():
        yield step, f"{taken:.2f}", f"{cpu_seconds[step]:.2f}"


def _reason(target: str, reasons: Mapping[str, str]) -> str:
    return next((reason for beginning, reason in reasons.items() if target.startswith(beginning)), "")


def _number(value: float | None, digits: int, *, unit: float = 1) -> str:
    return "" if value is None else f"{value / unit:,.{digits}f}"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "|" + "|".join("---" if position == 0 else "--:" for position, _ in enumerate(header)) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


if __name__ == "__main__":
    main()
