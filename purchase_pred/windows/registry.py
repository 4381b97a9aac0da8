"""The kinds of aggregates: one row each, with all that the engine, the settings and the dictionary must know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from purchase_pred.windows import aggregates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from purchase_pred.windows.aggregates import Aggregate

_ZERO: Final = "0 when none"
_ZERO_SUM: Final = "0.0 when none"
_NONE: Final = "null when none"
_NEVER: Final = "null when never"
_AS_COLUMN: Final = "as {column}"


@dataclass(frozen=True, kw_only=True)
class AggregateKind:
    """What is known of a kind of aggregate, but for how it is computed."""

    factory: Callable[..., Aggregate]
    """The function that declares one."""
    takes: Literal["nothing", "column", "k", "half_life"] = "nothing"
    """What the declaration names beside its events."""
    windowed: bool = False
    """Whether it may be asked over windows, or over all history only."""
    needs_numbers: bool = False
    """Whether its column must hold numbers."""
    depends_on_order: bool = False
    """Whether the order of events that are tied in time decides about its value."""
    rolling: bool = False
    """Whether it is no difference of running totals, and takes a rolling pass."""
    meaning: str
    """Its definition for readers, with {column}, {k} and {half_life}."""
    unit: str
    null_rule: str


KINDS: Final[Mapping[str, AggregateKind]] = {
    "count": AggregateKind(
        factory=aggregates.count, windowed=True, meaning="number of events", unit="events", null_rule=_ZERO
    ),
    "n_unique": AggregateKind(
        factory=aggregates.n_unique,
        takes="column",
        windowed=True,
        meaning="distinct values of {column}",
        unit="values",
        null_rule=_ZERO,
    ),
    "total": AggregateKind(
        factory=aggregates.total,
        takes="column",
        windowed=True,
        needs_numbers=True,
        meaning="sum of {column}",
        unit=_AS_COLUMN,
        null_rule=_ZERO_SUM,
    ),
    "mean": AggregateKind(
        factory=aggregates.mean,
        takes="column",
        windowed=True,
        needs_numbers=True,
        meaning="mean of {column}",
        unit=_AS_COLUMN,
        null_rule=_NONE,
    ),
    "minimum": AggregateKind(
        factory=aggregates.minimum,
        takes="column",
        windowed=True,
        needs_numbers=True,
        rolling=True,
        meaning="smallest {column}",
        unit=_AS_COLUMN,
        null_rule=_NONE,
    ),
    "maximum": AggregateKind(
        factory=aggregates.maximum,
        takes="column",
        windowed=True,
        needs_numbers=True,
        rolling=True,
        meaning="largest {column}",
        unit=_AS_COLUMN,
        null_rule=_NONE,
    ),
    "last": AggregateKind(
        factory=aggregates.last,
        takes="column",
        depends_on_order=True,
        meaning="{column} of the latest event",
        unit=_AS_COLUMN,
        null_rule=_NEVER,
    ),
    "hours_since_last": AggregateKind(
        factory=aggregates.hours_since_last,
        takes="k",
        meaning="hours from the {k} event to T",
        unit="hours",
        null_rule=_NEVER,
    ),
    "hours_since_first": AggregateKind(
        factory=aggregates.hours_since_first,
        meaning="hours from the first event to T",
        unit="hours",
        null_rule=_NEVER,
    ),
    "decayed_count": AggregateKind(
        factory=aggregates.decayed_count,
        takes="half_life",
        meaning="sum of 2^(-age / {half_life})",
        unit="events",
        null_rule=_ZERO_SUM,
    ),
}
"""Every kind by its name, which is that of its factory and of its key in `features.custom`."""
