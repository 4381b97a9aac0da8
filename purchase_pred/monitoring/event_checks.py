"""Checks of the days of a log, without any model: counts, prices, hours and how activity is spread over users."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.monitoring.clock import clock_shift, daily_hours, hour_profiles
from purchase_pred.monitoring.days import (
    DAY,
    FIGURE,
    PRICE_JUMPS,
    PRICE_LEVEL,
    SUBJECT,
    daily_concentration,
    daily_prices,
    daily_volumes,
)
from purchase_pred.monitoring.findings import finding, findings_table
from purchase_pred.monitoring.history import DEVIATION, EXPECTED, against_history
from purchase_pred.schema import TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from purchase_pred.settings.monitor import MonitorLimits, MonitorSettings

CHECK: Final = "check"

_DAY: Final = timedelta(days=1)
_LATE: Final = timedelta(hours=1)
"""A day counts as over when no more than so much of it is missing: a log ends with its last event."""
_FLOORS: Final = {"volume": 1.0, "price": 0.02, "hours": 0.01, "concentration": 0.01}
"""Standard deviation at the least, on the scale on which days are compared: of a Poisson count; 2 % of a price; 1 % of
the activity, and of the events."""


@dataclass(frozen=True, eq=False)
class DaysChecked:
    """The days of a log and what was found on the new ones."""

    since: date
    """The first new day."""
    until: date
    """The first day that is not looked at."""
    volumes: pl.DataFrame
    """``day``, ``subject`` and ``figure`` of all days: events of each type, and users."""
    compared: pl.DataFrame
    """``check``, ``day``, ``subject``, ``figure``, ``expected``, ``deviation`` of the new days."""
    findings: pl.DataFrame
    """As `findings_table` has them: every alarm, and of each check and subject without one the oddest day."""


def check_days(events: pl.LazyFrame, /, *, as_of: datetime, settings: MonitorSettings) -> DaysChecked:
    """Hold each day of the window against its own history.

    Whole UTC days are looked at: the last is the one that ended at `as_of`, give or take an hour. The history begins no
    sooner than the first whole day of the log.

    Parameters
    ----------
    events
        ``user_id``, ``timestamp``, ``event_type``, ``item_id`` and ``price``, in any order; those from `as_of` on are
        not looked at.
    as_of
        The moment of monitoring, aware.
    settings
        `window`, `history` and `limits`.

    Raises
    ------
    SchemaError
        A column is missing or has another dtype.

    Examples
    --------
    Every day 40 users look at an item for 10; on the last it costs 30.

    >>> from purchase_pred.settings.monitor import MonitorSettings
    >>> at = pl.datetime(2024, 8, 1 + pl.int_range(1_240) // 40, 9, time_zone="UTC").alias("timestamp")
    >>> user, item, kind = (pl.int_range(1_240) % 40).alias("user_id"), pl.lit(3, pl.Int64), pl.lit("view")
    >>> price = pl.when(pl.int_range(1_240) < 1_200).then(10.0).otherwise(30.0).alias("price")
    >>> events = pl.select(user, at, item.alias("item_id"), kind.alias("event_type"), price).lazy()
    >>> found = check_days(events, as_of=datetime(2024, 9, 1, tzinfo=UTC), settings=MonitorSettings())
    >>> found.findings.filter("alarm").select("subject", pl.col("day").dt.day(), pl.col("found").round(2)).rows()
    [('price jumps', 31, 1.0), ('price level', 31, 3.0)]
    """
    known = events.filter(pl.col(TIMESTAMP) < as_of)
    until = (as_of.astimezone(UTC) + _LATE).date()
    since = until - _whole_days(settings.window)
    first = max(since - _whole_days(settings.history), _first_whole_day(known) or since)
    last = until - _DAY
    profiles = hour_profiles(known, first=first, last=last)
    days = {
        "volume": daily_volumes(known, first=first, last=last),
        "price": daily_prices(known, first=first, last=last, usual_until=since),
        "hours": daily_hours(profiles, usual_until=since),
        "concentration": daily_concentration(known, first=first, last=last, usual_until=since),
    }
    compared = [
        against_history(levels, since=since, weekdays=check == "volume", floor=_FLOORS[check]).select(
            pl.lit(check).alias(CHECK), pl.all()
        )
        for check, levels in days.items()
    ]
    volumes, shifts, found = pl.collect_all(
        [days["volume"].select(DAY, SUBJECT, FIGURE), clock_shift(profiles, usual_until=since), pl.concat(compared)],
        engine="streaming",
    )
    found = found.sort(CHECK, SUBJECT, DAY)
    findings = findings_table(_findings(found, dict(shifts.iter_rows()), settings.limits))
    return DaysChecked(since, until, volumes, found, findings)


def _findings(compared: pl.DataFrame, shifts: dict[date, int], limits: MonitorLimits) -> Iterator[dict[str, Any]]:
    """Yield all alarms, and of each check and subject without one its oddest day."""
    for (check, subject), days in compared.group_by(CHECK, SUBJECT, maintain_order=True):
        rows = [_judged(row, limits) for row in days.iter_rows(named=True)]
        silent = [row for row in rows if row["is_silent"]]
        for row in rows:
            row["alarm"] &= not row["is_silent"]
            row["alarm"] |= row["is_silent"] and len(silent) > limits.silent_days
        whole = _whole_window(rows, limits) if check == "volume" else None
        shown = (
            [row for row in rows if row["alarm"]] or whole or [max(rows, key=lambda row: abs(row[DEVIATION] or 0.0))]
        )
        for row in shown:
            yield finding(
                "silent" if row["is_silent"] else str(check),
                str(subject),
                row[FIGURE],
                day=row[DAY],
                usual=row[EXPECTED],
                deviation=row[DEVIATION],
                limit=row["limit"],
                alarm=row["alarm"],
                meaning=_meaning(str(check), row, shifts.get(row[DAY], 0)),
            )


def _whole_window(rows: list[dict[str, Any]], limits: MonitorLimits) -> list[dict[str, Any]]:
    """Return all days together where they are too odd, as days of a rare type may be of which no single one is.

    Deviations of days that are drawn apart add up as the square root of their number.
    """
    if any(row[DEVIATION] is None for row in rows):
        return []
    together = {
        **rows[0],
        DAY: None,
        FIGURE: sum(row[FIGURE] for row in rows),
        EXPECTED: sum(row[EXPECTED] for row in rows),
        DEVIATION: sum(row[DEVIATION] for row in rows) / math.sqrt(len(rows)),
    }
    judged = _judged(together, limits)
    return [judged] if judged["alarm"] else []


def _judged(row: dict[str, Any], limits: MonitorLimits) -> dict[str, Any]:
    """Add which bound of the figure counts, and whether it is passed by a day that is odd enough."""
    figure, usual, off = row[FIGURE], row[EXPECTED], row[DEVIATION]
    bound = None if off is None or usual is None else _bound(row, limits)
    beyond = bound is not None and (figure > bound if off > 0 else figure < bound)
    is_odd = off is not None and abs(off) > limits.deviation
    is_silent = bool(
        is_odd and off < 0 and row[CHECK] == "volume" and limits.silent is not None and figure <= limits.silent * usual
    )
    return {**row, "limit": bound, "alarm": is_odd and beyond, "is_silent": is_silent}


def _bound(row: dict[str, Any], limits: MonitorLimits) -> float | None:
    """Return the figure beyond which a day is too odd, on the side where it lies; None: there is no limit there."""
    usual, above = row[EXPECTED], row[DEVIATION] > 0
    name = row[SUBJECT] if row[CHECK] == "price" else row[CHECK]
    factors = {"volume": limits.volume, PRICE_LEVEL: limits.price_level}
    if name in factors:
        factor = factors[name]
        return None if factor is None else usual * factor if above else usual / factor
    added = {PRICE_JUMPS: limits.price_jumps, "hours": limits.hours, "concentration": limits.concentration}[name]
    return usual + added if added is not None and above else None


def _meaning(check: str, row: dict[str, Any], shift: int) -> str:
    subject, figure, usual = row[SUBJECT], row[FIGURE], row[EXPECTED]
    if usual is None:
        return f"{subject}: too little history to tell"
    if check == "volume":
        when = "of these days" if row[DAY] is None else "of this weekday"
        what = "users" if subject == "users" else f"events of type {subject}"
        return f"{figure:,.0f} {what}, where {usual:,.0f} were to be expected {when}"
    if check == "hours":
        back = f"; as if the clock were {abs(shift)} h {'ahead' if shift > 0 else 'behind'}" if shift else ""
        return f"{figure:.1%} of the activity lies in other hours than before, usually {usual:.1%}{back}"
    if check == "concentration":
        return f"{figure:.1%} of the events are more than 999 in 1,000 users make on a day, usually {usual:.1%}"
    if subject == PRICE_LEVEL:
        return f"prices are {figure:.2f} times what the same items cost before, usually {usual:.2f}"
    return f"{figure:.1%} of the prices are twice or half of what the same item cost before, usually {usual:.1%}"


def _whole_days(length: timedelta) -> timedelta:
    return max(_DAY, -(-length // _DAY) * _DAY)


def _first_whole_day(events: pl.LazyFrame) -> date | None:
    first: datetime | None = events.select(pl.col(TIMESTAMP).min()).collect(engine="streaming").item()
    if first is None:
        return None
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    return first.date() + _DAY if first - midnight > _LATE else first.date()
