"""What the windows benchmark is to reach, and what it reached."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MILLION: Final = 1_000_000
AT_LEAST: Final = (
    ("sorted", "duckdb_range", 30),
    ("sorted", "duckdb_asof", 30),
    ("sorted", "polars_rolling", 6),
    ("sorted", "temporian_moving", 15),
    ("sorted", "featuretools_dfs", 10_000),
    ("shuffled", "duckdb_range", 10),
    ("shuffled", "duckdb_asof", 10),
)
"""How many times faster than a peer, per anchor, at a million events."""
AT_MOST: Final = (("sorted", 4), ("shuffled", 2))
"""How many times the compiled single pass, at a million events."""
GROWTH: Final = 1.1
"""How much the time per event may grow from one size to the next."""
BYTES_PER_EVENT: Final = 60
"""Peak memory above the frames once read."""

Row = dict[str, Any]


def reached(rows: Sequence[Row]) -> list[Row]:
    """Return each target with its limit, the figure reached (null where not measured) and whether it is met.

    Where the figure is a ratio of times, the ratio of processor times stands beside it, which other programs on the
    machine change less; it does not decide.
    """
    by_case = {(row["events"], row["order"], row["peer"]): row for row in rows}
    return [*_faster_than_peers(by_case), *_near_the_floor(by_case), *_of_ours_alone(rows)]


def _faster_than_peers(by_case: Mapping[tuple[int, str, str], Row]) -> Iterator[Row]:
    for order, peer, times in AT_LEAST:
        row = by_case.get((MILLION, order, peer), {})
        found, of_cpu = row.get("times_ours"), row.get("cpu_times_ours")
        yield {**_target(f"{order} events, 1 M: {peer} / ours", found, at_least=times), "reached_cpu": of_cpu}


def _near_the_floor(by_case: Mapping[tuple[int, str, str], Row]) -> Iterator[Row]:
    for order, times in AT_MOST:
        found = by_case.get((MILLION, order, "ours"), {}).get("times_floor")
        floor = by_case.get((MILLION, order, "single_pass"), {}).get("cpu_times_ours")
        of_cpu = 1 / floor if floor else None
        what = f"{order} events, 1 M: ours / compiled single pass"
        yield {**_target(what, found, at_most=times), "reached_cpu": of_cpu}


def _of_ours_alone(rows: Iterable[Row]) -> Iterator[Row]:
    ours = [row for row in rows if row["peer"] == "ours" and row["seconds"]]
    for order in ("sorted", "shuffled"):
        by_size = sorted((row for row in ours if row["order"] == order), key=lambda row: row["events"])
        for small, large in pairwise(by_size):
            step = large["events"] / small["events"]
            sizes = f"{small['events']:,} to {large['events']:,}"
            growth = large["seconds"] / small["seconds"]
            yield _target(f"{order} events, {sizes}: growth of time", growth, at_most=step * GROWTH)
    for row in ours:
        what = f"{row['order']} events, {row['events']:,}: bytes per event above the frames"
        yield _target(what, row["bytes_above_loaded_per_event"], at_most=BYTES_PER_EVENT)


def _target(what: str, found: float | None, *, at_least: float | None = None, at_most: float | None = None) -> Row:
    limit = f">= {at_least:,g}" if at_least is not None else f"<= {at_most:,g}"
    met = None if found is None else (at_least is None or found >= at_least) and (at_most is None or found <= at_most)
    return {"target": what, "limit": limit, "reached": found, "met": met}
