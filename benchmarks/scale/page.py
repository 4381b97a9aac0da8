"""The page docs/scale.md, of what the scale benchmark measured and of nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.quiet import BUSY
from benchmarks.scale.capacity import lines as capacity
from purchase_pred.sizes import parse_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

RESULTS: Final = Path(__file__).parents[1] / "results" / "scale.json"
WORKERS_RESULTS: Final = RESULTS.with_name("workers.json")
PAGE: Final = Path(__file__).parents[2] / "docs" / "scale.md"
TO_FEATURES: Final = {"sessionize", "split", "features"}
_ABOUT: Final = 2.0
"""How far from ten the ratio of two sizes may be for the smaller one to count as a tenth."""


def write_page(results: Path, /) -> None:
    """Write the page."""
    workers = json.loads(WORKERS_RESULTS.read_text()) if WORKERS_RESULTS.is_file() else None
    PAGE.write_text(page(json.loads(results.read_text()), workers))


def page(document: Mapping[str, Any], workers: Mapping[str, Any] | None = None, /) -> str:
    """Return the page that tells of the results, and, from what `workers` took, of logs that are out of reach."""
    lines = [*_lines(document)]
    if workers:
        lines += ["", *capacity(document["sizes"], workers)]
    return "\n".join(lines) + "\n"


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    machine = ", ".join(f"{name} {value}" for name, value in document["machine"].items())
    sizes = document["sizes"]
    yield from (
        "# What a log of so many events takes",
        "",
        "Written by `python -m benchmarks.scale.run` from `scale.json` and `workers.json` in `benchmarks/results`; up",
        "to the cost model nothing is estimated.",
        "Each stage runs in a process of its own, once. Memory is the peak of its resident memory as the kernel counts",
        "it, disk what the stage publishes. How a stage divides its work by `execution.memory_limit` is told in",
        "[pipeline.md](pipeline.md#memory-and-engines). The log is the synthetic shop over",
        f"{document['days']} days, with as many users as it takes.",
        "",
        f"Machine: {machine}.",
        "",
    )
    for name, unit, scale, digits in (
        ("Seconds", "seconds", 1.0, 1),
        ("Seconds of all cores together", "cpu_seconds", 1.0, 1),
        ("Peak memory, MB", "peak_bytes", 1e6, 0),
        ("Disk, MB", "disk_bytes", 1e6, 0),
    ):
        yield from (f"## {name}", "", *_table(sizes, unit, scale, digits), "")
    yield from _growth(sizes)
    yield from _kept(sizes)


def _table(sizes: Iterable[Mapping[str, Any]], unit: str, scale: float, digits: int) -> Iterator[str]:
    stages = list(dict.fromkeys(stage for size in sizes for stage in size["stages"]))
    yield f"| events | limit | {' | '.join(stages)} |"
    yield f"|---|---|{'---|' * len(stages)}"
    for size in sizes:
        figures = (size["stages"].get(stage) for stage in stages)
        cells = ("" if took is None else f"{took[unit] / scale:,.{digits}f}" for took in figures)
        yield f"| {size['events']:,} | {size['memory_limit']} | {' | '.join(cells)} |"


def _growth(sizes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Tell how time grows from the raw log to the features: from the smallest, and a tenth, to the largest log."""
    every_stage = max((TO_FEATURES & set(size["stages"]) for size in sizes), key=len)
    whole = [size for size in sizes if every_stage <= set(size["stages"])]
    limits = {size["memory_limit"]: [] for size in whole}
    for size in whole:
        limits[size["memory_limit"]].append(size)
    for limit, of_limit in limits.items():
        last = of_limit[-1]
        tenths = [size for size in of_limit[1:] if abs(last["events"] / size["events"] - 10.0) < _ABOUT]
        yield from (_grown(limit, first, last) for first in (*of_limit[:1], *tenths) if first is not last)


def _grown(limit: str, first: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    times = last["events"] / first["events"]
    clock, cores = (_to_features(last, unit) / _to_features(first, unit) for unit in ("seconds", "cpu_seconds"))
    return (
        f"With {limit}, {times:.1f} times the events ({first['events']:,} to {last['events']:,}) took {clock:.1f} "
        f"times the seconds from the raw log to the features, {cores:.1f} times those of all cores together.\n"
    )


def _to_features(size: Mapping[str, Any], unit: str) -> float:
    return float(sum(took[unit] for stage, took in size["stages"].items() if stage in TO_FEATURES))


def _kept(sizes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    runs = [(size, stage, took) for size in sizes for stage, took in size["stages"].items()]
    past = [run for run in runs if run[2]["peak_bytes"] > parse_size(run[0]["memory_limit"])]
    yield f"The limit was kept in {len(runs) - len(past)} of {len(runs)} runs."
    for size, stage, took in past:
        yield f"- {size['events']:,} events, {stage}: {took['peak_bytes'] / 1e6:,.0f} MB of {size['memory_limit']}."
    busy = [run for run in runs if run[2]["busy_before"] > BUSY]
    if busy:
        yield f"Something else was running when {len(busy)} of them began, so their seconds on the clock are too many."
