"""Settings of how a real log is read."""

from __future__ import annotations

import zoneinfo
from difflib import get_close_matches
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from purchase_pred.settings.section import Section, Share

LogColumn = Literal["timestamp", "user_id", "event_type", "item_id", "price", "duration_seconds", "category"]
LogEvent = Literal["view", "scroll", "add_to_cart", "remove_from_cart", "purchase", "ignore"]

EVERY_ROW: Final = "*"
"""In `events`: every row of the log is that event, and the log needs no event column."""


def _known_zone(name: str) -> str:
    zones = zoneinfo.available_timezones()
    if zones and name not in zones:  # a machine without zone files cannot tell; the engine carries its own
        nearest = get_close_matches(name, zones, n=1, cutoff=0.5)
        hint = f"; nearest: {nearest[0]!r}" if nearest else ""
        raise ValueError(f"a time zone is a name such as 'UTC' or 'Europe/Berlin', found {name!r}{hint}")
    return name


def _names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


TimeZone = Annotated[str, AfterValidator(_known_zone)]
EventNames = Annotated[tuple[str, ...], BeforeValidator(_names)]


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
    columns: dict[LogColumn, str] = Field(default_factory=dict)
    """Column of the log by our name: {timestamp: ts, user_id: visitor}; goes before the format's own names."""
    events: dict[LogEvent, EventNames] = Field(default_factory=dict)
    """Event names of the log by our name: {purchase: [order, buy], ignore: heartbeat}; "*" stands for every row."""
