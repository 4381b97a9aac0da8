"""The screen: progress and notes on stderr, results on stdout."""

import errno
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from purchase_pred_cli.safe_text import safe_text

if TYPE_CHECKING:
    from purchase_pred.pipeline.engine.stage import StageReport

_REFRESHES_PER_SECOND = 5
_UNFOLDED = 1000
_WORDS = {"fresh": "up to date", "kept": "existing raw data kept"}


def shown(text: str) -> str:
    """Return a text for a table or a line of Rich, in which neither markup nor control characters do anything."""
    return escape(safe_text(text))


def print_json(document: object) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(document, indent=2, allow_nan=False) + "\n")


def print_result(renderable: Any) -> None:
    """Print a table or text on stdout; into a file or a pipe nothing is cut or folded to a screen's width."""
    _ResultConsole(width=None if sys.stdout.isatty() else _UNFOLDED).print(renderable)


def print_text(text: str) -> None:
    """Print text on stdout as a terminal may show it."""
    sys.stdout.write(safe_text(text) + "\n")


class _ResultConsole(Console):
    """Lets a closed pipe be reported where all failures are."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, "the reader of the output has gone")


class _ProgressConsole(Console):
    """Falls silent, and lets the run go on, when nobody reads the progress any more."""

    def print(self, *objects: Any, **options: Any) -> None:
        try:
            super().print(*objects, **options)
        except OSError:
            self.quiet = True

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Screen:
    """Shows a run: a live line on a terminal, and one line per stage that stays."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = _ProgressConsole(stderr=True, quiet=quiet, soft_wrap=True, highlight=False)
        self._live: Live | None = None
        self._line = _RunningLine()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Draw the live line while the run lasts, if there is a terminal to draw on."""
        if not self._console.is_terminal or self._console.quiet:
            yield
            return
        with Live(
            self._line, console=self._console, refresh_per_second=_REFRESHES_PER_SECOND, transient=True
        ) as self._live:
            yield

    def stage_starts(self, stage: str, reasons: Sequence[str], /) -> None:
        """Start the live line, with the reasons in it."""
        self._line.start(stage, "; ".join(reasons))
        if self._live:
            self._live.refresh()  # however short the stage, it is seen

    def rows_done(self, rows: int, /) -> None:
        """Count up the live line."""
        self._line.rows = rows

    def shards_done(self, done: int, /, *, of: int, rows: int) -> None:
        """Count up the live line, and tell the time left."""
        self._line.count_shards(done, of, rows)

    def stage_ends(self, report: "StageReport", /) -> None:
        """Leave a line behind."""
        self._line.stop()
        if report.state == "ran":
            counts = [f"{name} {count:,}" for name, count in _totals(report).items()]
            made = f"{len(report.outputs)} outputs" if report.rows is None else f"{report.rows:,} rows"
            facts = ", ".join([made, *counts, _memory()])
            reasons = shown("; ".join(report.reasons))
            detail = f"[green]done[/green] in {report.seconds:.1f} s: {shown(facts)} [dim]({reasons})[/dim]"
        else:
            detail = f"[dim]{_WORDS[report.state]}[/dim]"
        self._console.print(f"[bold]{report.stage:<11}[/bold]{detail}")

    def warns(self, message: str, /) -> None:
        """Say what stops nothing."""
        self._console.print(f"[yellow]warning:[/yellow] {shown(message)}")

    def note(self, message: str, /) -> None:
        """Say something that is no result."""
        self._console.print(shown(message))


class _RunningLine:
    """The live line: stage, elapsed time, shards, rows, time left, memory."""

    def __init__(self) -> None:
        self.rows = 0
        self._shards: _Shards | None = None
        self._stage = ""
        self._why = ""
        self._started = 0.0

    def start(self, stage: str, why: str) -> None:
        self.rows = 0
        self._shards = None
        self._stage = stage
        self._why = why
        self._started = time.monotonic()

    def count_shards(self, done: int, of: int, rows: int) -> None:
        self.rows = rows
        if self._shards is None:
            self._shards = _Shards(found=done, since=time.monotonic(), of=of)
        self._shards.done = done

    def stop(self) -> None:
        self._stage = ""

    def __rich__(self) -> Text:
        if not self._stage:
            return Text("")
        parts = [f"{self._stage:<11}running {time.monotonic() - self._started:.0f} s"]
        if self._shards:
            parts.append(f"{self._shards.done} of {self._shards.of} shards")
        if self.rows:
            parts.append(f"{self.rows:,} rows")
        if self._shards:
            parts.extend(self._shards.time_left())
        return Text.assemble((", ".join([*parts, _memory()]), "cyan"), (f" ({safe_text(self._why)})", "dim"))


@dataclass
class _Shards:
    """How far a stage has come that works shard by shard."""

    found: int
    """Shards that an earlier run had finished."""
    since: float
    of: int
    done: int = 0

    def time_left(self) -> list[str]:
        """Return the time that the other shards will take at the pace of those made since, once there is one."""
        made = self.done - self.found
        if made <= 0:
            return []
        seconds = (time.monotonic() - self.since) / made * (self.of - self.done)
        return [f"{seconds:.0f} s left"]


def _memory() -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return f"peak {peak / 1e6:,.0f} MB"


def _totals(report: "StageReport") -> dict[str, int]:
    """Return what was counted, over all outputs of the stage."""
    totals: dict[str, int] = {}
    for counts in report.counts.values():
        for name, count in counts.items():
            if isinstance(count, int):
                totals[name] = totals.get(name, 0) + count
    return totals
