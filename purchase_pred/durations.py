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
_NAMING_ORDER: Final = ("d", "h", "m", "s", "ms", "us")
_PATTERN: Final = re.compile(r"(\d+)(w|d|h|ms|us|m|s)")
_MICROSECOND: Final = timedelta(microseconds=1)


def parse_duration(duration: str | timedelta, /) -> timedelta:
    """Return a duration as a `timedelta`.

    Parameters
    ----------
    duration
        A `timedelta`, returned as it is, or a whole number and a unit: ``w``, ``d``, ``h``, ``m`` (minutes), ``s``,
        ``ms`` or ``us``, also several in a row (``"1d12h"``).

    Raises
    ------
    ValueError
        The text is not of that form.

    Examples
    --------
    >>> parse_duration("36h")
    datetime.timedelta(days=1, seconds=43200)
    """
    if isinstance(duration, timedelta):
        return duration
    parts = _PATTERN.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(
            f"a duration is a whole number and a unit of {', '.join(_UNITS)}, such as '7d', found {duration!r}"
        )
    return sum((int(number) * _UNITS[unit] for number, unit in parts), timedelta())


def duration_name(duration: str | timedelta, /) -> str:
    """Return what a duration is called in a column name: text as written, a `timedelta` by its largest whole unit.

    Examples
    --------
    >>> [duration_name(timedelta(**d)) for d in ({"days": 7}, {"hours": 36}, {"minutes": 90}, {"microseconds": 2})]
    ['7d', '36h', '90m', '2us']
    """
    if isinstance(duration, str):
        return duration
    unit = next(unit for unit in _NAMING_ORDER if not duration % _UNITS[unit])
    return f"{duration // _UNITS[unit]}{unit}"


def microseconds(duration: str | timedelta, /) -> int:
    """Return a duration as a whole number of microseconds, however large.

    Examples
    --------
    >>> microseconds("1ms")
    1000
    """
    return parse_duration(duration) // _MICROSECOND
