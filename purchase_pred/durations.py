"""Durations as people write them ("7d", "30m") and as columns are named after them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_UNITS: Final = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
    "us": timedelta(microseconds=1),
}
_LONGEST: Final = timedelta(days=365_250)
"""A thousand years: times of 64 bits and dates of four digits hold whatever is so far from a log."""

_NAMING_ORDER: Final = ("d", "h", "m", "s", "ms", "us")
_PATTERN: Final = re.compile(r"([0-9]{1,20})(w|d|h|ms|us|m|s)")
_MICROSECOND: Final = timedelta(microseconds=1)


def parse_duration(duration: str | timedelta, /) -> timedelta:
    """Return a duration as a `timedelta`.

    Parameters
    ----------
    duration
        A `timedelta`, returned as it is, or a whole number and a unit: ``w``, ``d``, ``h``, ``m`` (minutes), ``s``,
        ``ms`` or ``us``, also several in a row (``"1d12h"``). At most 365250 days (a thousand years) either way.

    Raises
    ------
    ValueError
        It is not of that form, such as a number without a unit, or longer.

    Examples
    --------
    >>> parse_duration("36h")
    datetime.timedelta(days=1, seconds=43200)
    """
    try:
        length = duration if isinstance(duration, timedelta) else _parsed(duration)
    except OverflowError:
        length = timedelta.max
    if abs(length) > _LONGEST:
        raise ValueError(f"a duration must be at most {_LONGEST.days} days (a thousand years), found {duration!s:.40}")
    return length


def parse_silence(gap: str | timedelta, /) -> timedelta:
    """Return the longest silence within a session, which may be zero, as a `timedelta`.

    Raises
    ------
    ValueError
        It is no duration, or negative.

    Examples
    --------
    >>> parse_silence("30m")
    datetime.timedelta(seconds=1800)
    """
    silence = parse_duration(gap)
    if silence < timedelta():
        raise ValueError(f"gap must not be negative, found {gap!r}")
    return silence


def duration_name(duration: str | timedelta, /) -> str:
    """Return what a duration is called in a column name: text as written, a `timedelta` by its largest whole unit.

    `parse_duration` reads it back; no time at all is "0s".

    Examples
    --------
    >>> [duration_name(timedelta(**d)) for d in ({"days": 7}, {"hours": 36}, {"minutes": 90}, {"microseconds": 2})]
    ['7d', '36h', '90m', '2us']
    >>> duration_name(timedelta())
    '0s'
    """
    if isinstance(duration, str):
        return duration
    if not duration:
        return "0s"
    unit = next(unit for unit in _NAMING_ORDER if not duration % _UNITS[unit])
    return f"{duration // _UNITS[unit]}{unit}"


def microseconds(duration: str | timedelta, /) -> int:
    """Return a duration as a whole number of microseconds.

    Examples
    --------
    >>> microseconds("1ms")
    1000
    """
    return parse_duration(duration) // _MICROSECOND


def _parsed(duration: object) -> timedelta:
    parts = _PATTERN.findall(duration) if isinstance(duration, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(
            f"a duration is a whole number and a unit of {', '.join(_UNITS)}, such as '7d' or '30m', or a timedelta, "
            f"found {duration!r:.40}"
        )
    return sum((int(number) * _UNITS[unit] for number, unit in parts), timedelta())
