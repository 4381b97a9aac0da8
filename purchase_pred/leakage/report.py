"""What a leakage check found, as values and as a table to read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.schema import EVENT_ID, EVENT_TYPE, ITEM_ID, TIMESTAMP, USER_ID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_INDENT: Final = "    "


@dataclass(frozen=True)
class Example:
    """One row whose feature changed."""

    tampering: str
    anchor: dict[str, Any]
    """The anchor as it was given."""
    prediction_time: datetime | None
    before: Any
    """The feature of the log as it is."""
    after: Any
    """The feature after the tampering."""
    event: dict[str, Any] | None
    """The event that moved it: as it was before it was deleted or changed, or as it was injected. None where no event
    is to blame: rows in another order, labels, other anchors."""

    def __str__(self) -> str:
        row = f"{_keys(self.anchor)}, T {moment_text(self.prediction_time)}"
        why = f"({self.tampering})"
        if self.event is not None:
            why = f"when {_event(self.event)} was {self.tampering.rsplit(' ', 1)[-1]}"
        return f"{row}: {_value(self.before)} became {_value(self.after)} {why}"


@dataclass(frozen=True)
class Leak:
    """A column that changed although nothing that it may depend on did."""

    column: str
    tamperings: tuple[str, ...]
    """The alterations that changed it, in the order of the trials."""
    rows: int
    """How many anchors were affected by any of them."""
    example: Example


@dataclass(frozen=True)
class TrialSummary:
    """What one trial did and found."""

    tampering: str
    scope: str
    edits: int
    """Events deleted, changed or injected."""
    rows: int
    """Anchors compared."""
    columns: int
    """Features compared."""
    moved: tuple[str, ...]
    """The features that changed."""


@dataclass(frozen=True)
class LeakageReport:
    """The outcome of `check_leakage`; ``str(report)`` is a readable table."""

    leaks: tuple[Leak, ...]
    """Empty when clean."""
    trials: tuple[TrialSummary, ...]
    columns: tuple[str, ...]
    """The features that were checked."""
    anchors: int
    events: int
    hint: str = ""

    @property
    def clean(self) -> bool:
        """Whether no feature moved."""
        return not self.leaks

    @property
    def compared(self) -> int:
        """Rows compared, over all trials."""
        return sum(trial.rows for trial in self.trials)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON, times and other objects as text."""
        document = {"clean": self.clean, "compared": self.compared, **asdict(self)}
        plain: dict[str, Any] = _plain(document)
        return plain

    def __str__(self) -> str:
        verdict = (
            f"no leak: {len(self.columns):,} features of {self.anchors:,} anchors over {self.events:,} events did not "
            f"move in {len(self.trials):,} trials ({self.compared:,} rows compared)"
        )
        if self.clean:
            return verdict
        heading = (
            f"leak: {len(self.leaks):,} of {len(self.columns):,} features moved "
            f"({self.anchors:,} anchors, {self.events:,} events, {len(self.trials):,} trials)"
        )
        table = _aligned(
            [
                ("column", "rows", "moved by"),
                *((leak.column, f"{leak.rows:,}", ", ".join(leak.tamperings)) for leak in self.leaks),
            ]
        )
        lines = [table[0]]
        for leak, line in zip(self.leaks, table[1:], strict=True):
            lines += [line, f"{_INDENT}{leak.example}"]
        return "\n".join([heading, "", *lines, *(["", self.hint] if self.hint else [])])


def moment_text(moment: datetime | None, /) -> str:
    """Return a time as text, with fractions of a second only where there are some."""
    if moment is None:
        return "null"
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _event(event: dict[str, Any]) -> str:
    kind = f"{event[EVENT_TYPE]}, " if EVENT_TYPE in event else ""
    return f"event {event[EVENT_ID]} ({kind}{_keys(event)}, {moment_text(event[TIMESTAMP])})"


def _keys(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {row[name]}" for name in (USER_ID, ITEM_ID) if name in row)


def _value(value: Any) -> str:
    return "null" if value is None else f"{value!r}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
