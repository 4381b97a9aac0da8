"""What logs of billions of events would take: measured costs, laid over the tasks of the stages and their order.

`features` is a task for the prediction points of each shard and then one for the features of each. Tasks go to whoever
is free, in the order of users. Before, between and behind them the client works alone: it finds shards, sums up items
and days, checks, and joins the parts. That grows with the log too. The other stages are made by one machine.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.quiet import BUSY
from purchase_pred.execution.memory import BYTES_PER_EVENT, EVENTS_PER_SHARD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

HEAVY: Final = 0.01
"""Share of all events that one user has, in the case of a heavy user."""
_LOGS: Final = (1_000_000_000, 10_000_000_000)
_WORKERS: Final = (10, 50, 200)


@dataclass(frozen=True)
class Costs:
    """Seconds of processor time that `features` took on a log of so many events, with one worker of one thread."""

    events: int
    client: float
    """What only the client does, and the scheduler, which is in its process."""
    fixed: float
    """What of that a log of nearly no events takes too."""
    points: Sequence[float]
    """Of the prediction points of each shard."""
    features: Sequence[float]
    """Of the features of each shard."""

    def alone(self, grown: float, /) -> float:
        """Return what the client takes alone if the log has so many times the events."""
        return self.fixed + max(0.0, self.client - self.fixed) * grown

    @property
    def tasks(self) -> float:
        """What workers share."""
        return sum(self.points) + sum(self.features)


def makespan(costs: Costs, /, *, workers: int, events: int | None = None, heavy: float = 0.0) -> float:
    """Return the seconds that `features` would take of a log of so many events; None: of the measured one.

    Shards cost what the measured ones did, one after the other and again. `heavy` is the share of the events that one
    user has, who is a shard alone, in the middle of the users.
    """
    grown = (events or costs.events) / costs.events
    phases = (_scheduled(_tasks(phase, grown, heavy), workers) for phase in (costs.points, costs.features))
    return costs.alone(grown) + sum(phases)


def fitted(sizes: Iterable[Mapping[str, Any]], stage: str, /) -> tuple[float, float, float]:
    """Return the cost model of a stage: fixed seconds of all cores, seconds per million events, and the worst ratio.

    The ratio is that of a measured to a modelled time, or the reverse, whichever is above 1. The fixed part is not
    below 0, and relative errors are what is made small.
    """
    took = [(size["events"] / 1e6, size["stages"][stage]["cpu_seconds"]) for size in sizes if stage in size["stages"]]
    millions, seconds = (np.array(column) for column in zip(*took, strict=True))
    design = np.column_stack([1 / seconds, millions / seconds])
    fixed, each = np.linalg.lstsq(design, np.ones(len(seconds)), rcond=None)[0]
    if fixed < 0:
        fixed, each = 0.0, 1 / np.mean(millions / seconds)
    ratios = seconds / (fixed + each * millions)
    return float(fixed), float(each), float(max(ratios.max(), 1 / ratios.min()))


def lines(sizes: Sequence[Mapping[str, Any]], measured: Mapping[str, Any], /) -> Iterator[str]:
    """Yield what the page says of the cost model, of the check, and of logs that are out of reach here."""
    costs = Costs(**measured["costs"])
    yield from _model(sizes)
    yield from _check(costs, measured)
    yield from _simulated(costs, sizes)


def _tasks(measured: Sequence[float], grown: float, heavy: float) -> list[float]:
    number = max(1, round(len(measured) * grown * (1 - heavy)))
    tasks = list(islice(cycle(measured), number))
    if heavy:
        tasks.insert(number // 2, sum(measured) * grown * heavy)
    return tasks


def _scheduled(tasks: Iterable[float], workers: int) -> float:
    """Return when the last task is done, if each goes to the worker who is free first."""
    free = [0.0] * workers
    for seconds in tasks:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


def _model(sizes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from ("## Cost model", "", "Seconds of all cores = fixed + each x million events, fitted to the above.", "")
    yield from ("| stage | fixed | each | off by at most | bytes per event |", "|---|---|---|---|---|")
    for stage in dict.fromkeys(stage for size in sizes for stage in size["stages"]):
        fixed, each, ratio = fitted(sizes, stage)
        yield f"| {stage} | {fixed:.1f} | {each:.2f} | {ratio:.2f} times | {_bytes_per_event(sizes, stage):.0f} |"
    yield ""


def _check(costs: Costs, measured: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Capacity", "")
    yield f"`python -m benchmarks.scale.workers` ran `features` on Dask over {costs.events:,} events in"
    yield f"{len(costs.features)} shards, each worker a process of one thread. With one worker the tasks took"
    yield f"{costs.tasks:.1f} s of processor time, and what only the client does {costs.client:.1f} s, of which"
    yield f"{costs.fixed:.1f} s whatever the log. Laid out in the order of the tasks that gives, beside the clock:"
    yield from ("", "| workers | simulated, s | on the clock, s | cores busy before |", "|---|---|---|---|")
    for run in measured["runs"]:
        told = makespan(costs, workers=run["workers"])
        yield f"| {run['workers']} | {told:.1f} | {run['seconds']:.1f} | {run['busy_before']:.1f} |"
    yield ""
    if any(run["busy_before"] > BUSY for run in measured["runs"]):
        yield "Something else was running on the cores meanwhile: the clock says nothing of the simulation yet, and the"
        yield "client's part, in which Dask's own loop counts as long as the clock runs, is too high."
        yield ""


def _simulated(costs: Costs, sizes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Tell of each log and number of workers, with and without a heavy user."""
    read, made = (_bytes_per_event(sizes, stage) for stage in ("sessionize", "features"))
    yield from (
        "Simulated, not measured: minutes of `features`; those of them in which the client works alone; minutes if one",
        f"user has {HEAVY:.0%} of all events; what part of the workers' time is work; what workers read, and what they",
        "make and the client then copies.",
        "",
        "| events | workers | features, min | client, min | heavy user, min | at work | read, TB | made, TB |",
    )
    yield "|---|---|---|---|---|---|---|---|"
    for events in _LOGS:
        grown = events / costs.events
        for workers in _WORKERS:
            even, skewed = (makespan(costs, workers=workers, events=events, heavy=heavy) for heavy in (0.0, HEAVY))
            at_work = costs.tasks * grown / (workers * even)
            cells = (f"{even / 60:,.0f}", f"{costs.alone(grown) / 60:,.0f}", f"{skewed / 60:,.0f}", f"{at_work:.0%}")
            moved = f"{2 * read * events / 1e12:.2f} | {made * events / 1e12:.2f}"
            yield f"| {events:,} | {workers} | {' | '.join(cells)} | {moved} |"
    yield ""
    yield from _where_it_stops(costs, sizes)


def _where_it_stops(costs: Costs, sizes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    alone = sum(fitted(sizes, stage)[1] for stage in ("sessionize", "split")) * _LOGS[0] / 1e6
    heavy = HEAVY * _LOGS[0]
    share = costs.tasks / max(costs.client - costs.fixed, 0.01)
    longest = sum(costs.features) / costs.events * heavy
    yield from (
        f"- The tasks take {share:.0f} times what the client does alone for each event: with so many workers half of",
        "  the time is the client's, and more workers gain little.",
        f"- A user is not divided. One with {HEAVY:.0%} of {_LOGS[0]:,} events is a shard",
        f"  {heavy / EVENTS_PER_SHARD:.0f} times as large as others, needs {heavy * BYTES_PER_EVENT / 1e9:.0f} GB on",
        f"  one worker and {longest / 60:.0f} minutes there, however many others there are.",
        f"- `sessionize` and `split` are made by one machine: {alone / 60:.0f} minutes of a core for {_LOGS[0]:,}",
        "  events by the cost model, for which the rest of the line waits. Nothing was run beyond the logs above.",
        "- Workers see the workspace as a folder, such as a shared mount. A workspace on an object store (`s3://...`)",
        "  is worked on in a copy, which one machine brings and sends where it changed; with Dask the copy must lie",
        "  where all workers see it. Nothing here counts the time that it takes to bring and to send.",
    )


def _bytes_per_event(sizes: Sequence[Mapping[str, Any]], stage: str) -> float:
    largest = max((size for size in sizes if stage in size["stages"]), key=lambda size: size["events"])
    return float(largest["stages"][stage]["disk_bytes"] / largest["events"])
