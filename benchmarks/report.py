"""Write what the benchmarks found, as their JSON holds it, into RESULTS.md.

    python -m benchmarks.report
    python -m benchmarks.report --quality

Reasons for targets that are not met are read from `reasons.json`, by the beginning of the target's name. `--quality`
writes nothing, and prints the figures of the quality benchmark in a few lines.
"""

from __future__ import annotations

import argparse
import json
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.quality import spend_tables, tables
from benchmarks.results import beside_peers, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

HERE: Final = Path(__file__).parent
IDLE: Final = 2
"""A load that the benchmark itself makes."""
_CASE_COLUMNS: Final = (
    "",
    "seconds",
    "times ours",
    "times ours, cpu",
    "times the floor",
    "peak MB",
    "bytes per event above the frames",
    "note",
)
_QUALITY: Final = {
    "seeds": ("The default world, over seeds", tables.worlds),
    "latent": ("The same booster, with the hidden state among its features", tables.latent),
    "curve": ("The learning curve", tables.curve),
    "cdnow": (
        "CDNOW: who buys within the next 30 days",
        tables.cdnow,
        tables.cdnow_differences,
        tables.cdnow_months,
        tables.calibrations,
    ),
    "spend": (
        "CDNOW: what is spent within the next 30 days",
        spend_tables.spend,
        spend_tables.spend_differences,
        spend_tables.spend_deciles,
        spend_tables.amount_kinds,
    ),
    "rees46": ("The head of REES46: will this session still buy", tables.head),
    "otto": ("The head of OTTO: will this session still buy", tables.head),
    "training": ("Training beside the bare boosters", tables.training),
}
"""What each part is called, and the tables that show it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the results that are there and write the page, or print the few lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quality", action="store_true", help="print what results/quality.json says, and nothing else")
    if parser.parse_args(arguments).quality:
        print("\n".join(tables.in_words(json.loads((HERE / "results" / "quality.json").read_text()))))
        return
    (HERE / "RESULTS.md").write_text(page())


def page() -> str:
    """Return the page of the results that are there."""
    lines = ["# Results", "", "Written by `python -m benchmarks.report` from `results/*.json`."]
    for name, describe in (("windows", windows), ("features", features), ("quality", quality)):
        path = HERE / "results" / f"{name}.json"
        if path.is_file():
            lines += ["", *describe(json.loads(path.read_text()))]
    return "\n".join(lines) + "\n"


def windows(document: Mapping[str, Any]) -> Iterator[str]:
    """Describe the windows benchmark: a table per size and order, then the targets."""
    yield "## Twelve window counts (4 event types x 3 windows, by user)"
    yield from ("", _machine(document))
    for (events, order), cases in groupby(document["cases"], key=itemgetter("events", "order")):
        rows = list(cases)
        yield from ("", f"### {events:,} events, {order}", "")
        yield f"Medians of {max(row['rounds'] for row in rows)} rounds; load of the machine {_load(rows)}."
        yield ""
        yield from _table(_CASE_COLUMNS, map(_case, rows))
    yield from ("", "### Targets", "")
    yield from _table(
        ("target", "limit", "reached", "by cpu time", "met", "why not"),
        (
            (
                target["target"],
                target["limit"],
                number(target["reached"], 2),
                number(target.get("reached_cpu"), 2),
                *_met(target),
            )
            for target in document["targets"]
        ),
    )


def quality(document: Mapping[str, Any]) -> Iterator[str]:
    """Describe the quality benchmark: its parts, then the targets."""
    yield from ("## How good the models are", "", _machine(document))
    parts = document["parts"]
    for name, (title, *views) in _QUALITY.items():
        if name not in parts:
            continue
        found = parts[name]
        load = f"load of the machine {found['load']}" + (", in part by other programs" if found["load"] > IDLE else "")
        yield from ("", f"### {title}", "", f"Took {found['measured_in_seconds']:,.0f} s; {load}.")
        yield from tables.remarks(name, found)
        for view in views:
            header, *rows = view(found)
            yield from ("", *_table(header, rows))
    yield from ("", "### Targets", "")
    shown = (
        (target["target"], target["limit"], tables.spread({**target, "mean": target["reached"]}, 4), *_met(target))
        for target in document["targets"]
    )
    yield from _table(("target", "limit", "reached [95 %]", "met", "why not"), shown)


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
        what = "Where the time goes: what each feature group adds to those before it, for one shard of users in memory"
        yield from ("", f"{what}, in seconds of all cores (best of several, noisy to some hundredths):", "")
        yield from _table(
            ("group", "seconds"), ((part, f"{seconds:+.3f}") for part, seconds in profile["cpu_seconds"].items())
        )


def _case(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (f"`{row['peer']}`", number(row["seconds"], 4), *beside_peers(row))


def _met(target: Mapping[str, Any]) -> tuple[str, str]:
    """Return whether a target is met, and if not, why."""
    reasons = json.loads((HERE / "reasons.json").read_text())
    met = {True: "yes", False: "no", None: "not measured"}[target["met"]]
    return met, "" if target["met"] else _reason(target["target"], reasons)


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


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "|" + "|".join("---" if position == 0 else "--:" for position, _ in enumerate(header)) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


if __name__ == "__main__":
    main()
