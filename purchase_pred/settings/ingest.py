"""Settings of how a real log is read."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from purchase_pred.likeness import did_you_mean
from purchase_pred.settings.section import Duration, Section, Share

LogColumn = Literal["timestamp", "user_id", "event_type", "item_id", "price", "duration_seconds", "category"]
ProductColumn = Literal["item_id", "category", "base_price"]
LogEvent = Literal["view", "scroll", "add_to_cart", "remove_from_cart", "purchase", "ignore"]

_DISPENSABLE: Final = ("price", "duration_seconds", "category")
EVERY_ROW: Final = "*"
"""In `events`: every row of the log is that event, and the log needs no event column; for "ignore": all others."""


def _known_zone(name: str) -> str:
    zones = zoneinfo.available_timezones()
    if zones and name not in zones:  # a machine without zone files cannot tell; the engine carries its own
        hint = did_you_mean(name, sorted(zones), least=0.5)
        raise ValueError(f"a time zone is a name such as 'UTC' or 'Europe/Berlin', found {name!r}{hint}")
    return name


def _names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _columns(value: object) -> object:
    if isinstance(value, Mapping):
        return tuple(ours if ours == theirs else f"{ours}={theirs}" for ours, theirs in value.items())
    return _names(value)


def _each_once(entries: tuple[str, ...]) -> tuple[str, ...]:
    for entry in entries:
        ours, equals, theirs = entry.partition("=")
        if equals and not (ours and theirs):
            raise ValueError(f"a column to keep is NAME or OURS=THEIRS, such as brand=Marke, found {entry!r}")
    return tuple(dict.fromkeys(entries))


TimeZone = Annotated[str, AfterValidator(_known_zone)]
EventNames = Annotated[tuple[str, ...], BeforeValidator(_names)]
KeptColumns = Annotated[tuple[str, ...], BeforeValidator(_columns), AfterValidator(_each_once)]
"""Columns by their names, or as "OURS=THEIRS"; a mapping of ours to theirs is taken too."""


def _kept_as(entry: str) -> tuple[str, str]:
    """Return the name that a column gets, and its own."""
    ours, _, theirs = entry.partition("=")
    return ours, theirs or ours


class IngestSettings(Section):
    """How a real log is read."""

    max_rejected: Share = 0.05
    """Largest share of rows that may be rejected before the log is refused."""
    duplicates: Literal["drop", "keep"] = "drop"
    """Rows equal in every column of the source: all but the first are rejected, or all are kept."""
    timezone: TimeZone | None = None
    """Time zone of times written without one; none: UTC, with a warning."""
    time_format: str | None = None
    """Format of text times (strptime: "%d.%m.%Y %H:%M"); none: ISO 8601 and epoch numbers are recognised."""
    earliest: date = date(1990, 1, 1)
    """The first day (UTC) on which an event can have happened; earlier ones are rejected."""
    latest: date = date(2100, 1, 1)
    """The first day (UTC) on which no event can have happened any more; events from then on are rejected."""
    outlier_distance: Duration | None = timedelta(days=365)
    """How far an event may lie before the 1 % quantile of the times, or after the 99 % quantile: so far, or as far as
    these lie apart if that is more, in whole days; events beyond are rejected. None: any distance."""
    decimal: Literal[".", ","] = "."
    """The decimal sign of numbers that are written as text."""
    columns: dict[LogColumn, str] = Field(default_factory=dict)
    """Column of the log by our name: {timestamp: ts, user_id: visitor}; goes before the format's own names. "Date+Time"
    is two columns that make up a time; "" is no column."""
    catalog_columns: dict[ProductColumn, str] = Field(default_factory=dict)
    """Column of the product list (`ingest --catalog`) by our name: {item_id: sku, base_price: list_price}."""
    keep: KeptColumns = ()
    """Columns to keep, of the log or, where it has none such, of the product list: [device, brand=Marke]; the latter
    keeps the column Marke under the name brand."""
    keep_as_text: KeptColumns = ()
    """Columns to keep as text whatever their values look like, such as codes of digits: [store, plan=tariff_id]; as
    features they are categories."""
    events: dict[LogEvent, EventNames] = Field(default_factory=dict)
    """Event names of the log by our name: {purchase: [order, buy], ignore: heartbeat}; "*" stands for every row, and
    for "ignore" for every event without another name."""

    @property
    def kept(self) -> dict[str, str]:
        """The columns to keep: their own names by those that they get."""
        return dict(map(_kept_as, (*self.keep, *self.keep_as_text)))

    @property
    def texts(self) -> frozenset[str]:
        """Which of them are text, by the names that they get."""
        return frozenset(ours for ours, _ in map(_kept_as, self.keep_as_text))

    @field_validator("columns", "catalog_columns", mode="before")
    @classmethod
    def _check_ours(cls, columns: object, info: ValidationInfo) -> object:
        known = get_args(LogColumn if info.field_name == "columns" else ProductColumn)
        for ours, theirs in columns.items() if isinstance(columns, Mapping) else ():
            if ours not in known:
                raise ValueError(
                    f"a name of ours is {', '.join(known)}, found {ours!r}{did_you_mean(str(ours), known)}; a column "
                    f"of one's own is kept by --keep {ours}={theirs} (ingest.keep)"
                )
        return columns

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: dict[LogColumn, str]) -> dict[LogColumn, str]:
        empty = sorted(name for name, column in columns.items() if not column and name not in _DISPENSABLE)
        if empty:
            raise ValueError(
                f"a log needs {', '.join(empty)}; only {', '.join(_DISPENSABLE)} can be left out by naming no column"
            )
        return columns

    @model_validator(mode="after")
    def _check_kept(self) -> IngestSettings:
        kept = self.kept
        for ours, theirs in map(_kept_as, (*self.keep, *self.keep_as_text)):
            if kept[ours] != theirs:
                raise ValueError(
                    f"ingest.keep: two columns cannot both be {ours!r}, found {theirs!r} and {kept[ours]!r}"
                )
        return self

    @model_validator(mode="after")
    def _check_period(self) -> IngestSettings:
        if self.earliest >= self.latest:
            raise ValueError(
                f"ingest.earliest must lie before ingest.latest, found {self.earliest} and {self.latest}; "
                "no event could be taken"
            )
        return self
