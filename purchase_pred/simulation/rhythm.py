"""The shop's rhythm: calendar time against activity time, which runs faster in busy hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.arrays import Floats, Ints

US_PER_HOUR: Final = 3_600_000_000
US_PER_DAY: Final = 24 * US_PER_HOUR
US_PER_WEEK: Final = 7 * US_PER_DAY
WARM_UP_DAYS: Final = 42
"""Needs open from so long before the period on, so that some are open when the period begins."""
BEYOND_DAYS: Final = 400
"""The clock goes on for so long after the period, for horizons that reach past it."""
DAYS_PER_YEAR: Final = 365.25


@dataclass(frozen=True)
class Rhythm:
    """Calendar time (microseconds since the start of the period) against activity time (days).

    In activity time every process of the world is stationary: waiting times are exponential, arrivals are Poisson.
    An average day is one activity day; an hour of the evening holds more activity time than an hour of the night.
    """

    origin: datetime
    days: int
    edges: Ints
    activity: Floats
    monday: int
    """Microseconds of the Monday that begins week 0."""
    yearday: float
    """Day of the year of the origin."""

    @property
    def end(self) -> int:
        """End of the period in microseconds."""
        return self.days * US_PER_DAY

    @property
    def last_activity(self) -> float:
        """End of the period in activity days."""
        return float(self.activity_at(np.array(self.end)))

    @property
    def weeks(self) -> int:
        """Number of weeks up to the end of the period."""
        return int((self.end - 1 - self.monday) // US_PER_WEEK) + 1

    def activity_at(self, clock: Ints | Floats, /) -> Floats:
        """Return activity days for microseconds."""
        return np.interp(clock, self.edges, self.activity)

    def clock_at(self, activity: Floats, /) -> Ints:
        """Return whole microseconds for activity days."""
        return np.interp(activity, self.activity, self.edges).astype(np.int64)

    def week_at(self, clock: Ints, /) -> Ints:
        """Return the number of the week, Monday to Sunday, within the weeks that the shop's plans cover."""
        return np.clip((clock - self.monday) // US_PER_WEEK, 0, self.weeks - 1)

    def season(self, peak: Floats, amplitude: Floats, /) -> Floats:
        """Return the seasonal factor by (week, entry of `peak`)."""
        middle = (self.monday + US_PER_WEEK * (np.arange(self.weeks) + 0.5)) / US_PER_DAY
        return _season(self.yearday + middle[:, None], peak, amplitude)


def build_rhythm(dataset: DatasetSettings) -> Rhythm:
    """Return the rhythm of a period from its settings."""
    settings = dataset.rhythm
    origin = datetime.combine(dataset.start_date, time(), UTC)
    first = origin - timedelta(days=WARM_UP_DAYS)
    hours = np.arange((WARM_UP_DAYS + dataset.num_days + BEYOND_DAYS) * 24)
    hourly = np.array(settings.hourly) / np.mean(settings.hourly)
    weekday = np.array(settings.weekday) / np.mean(settings.weekday)
    yearday = float(origin.timetuple().tm_yday)
    season = _season(yearday + hours / 24 - WARM_UP_DAYS, settings.season_peak, settings.season_amplitude)
    intensity = hourly[hours % 24] * weekday[(first.weekday() + hours // 24) % 7] * season / 24
    activity = np.concatenate(([0.0], np.cumsum(intensity)))
    return Rhythm(
        origin=origin,
        days=dataset.num_days,
        edges=(np.arange(len(hours) + 1) - WARM_UP_DAYS * 24) * US_PER_HOUR,
        activity=activity - activity[WARM_UP_DAYS * 24],
        monday=-(WARM_UP_DAYS + first.weekday()) * US_PER_DAY,
        yearday=yearday,
    )


def _season(day: Floats, peak: Floats | int, amplitude: Floats | float) -> Floats:
    return 1.0 + amplitude * np.cos(2.0 * np.pi * (day - peak) / DAYS_PER_YEAR)
