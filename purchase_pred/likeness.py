"""Which of some names was most likely meant by one that is not among them."""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def likeness(one: str, other: str, /) -> float:
    """Return how alike two names are: 0 for nothing in common, 1 for equal.

    Examples
    --------
    >>> likeness("horizon", "horizont")
    0.9333333333333333
    """
    return SequenceMatcher(None, one, other).ratio()


def nearest(name: str, names: Iterable[str], /, *, least: float = 0.6) -> str | None:
    """Return the name most like one that is not there, None if none is near.

    Letters and digits are compared, whatever their case: ``EventTime`` is ``event_time``.

    Parameters
    ----------
    name
        What was asked for.
    names
        What there is.
    least
        How alike, as `likeness` tells, they must be.

    Examples
    --------
    >>> nearest("EventTime", ["user_id", "event_time"]), nearest("colour", ["user_id", "event_time"])
    ('event_time', None)
    """
    return next(iter(nearest_few(name, names, most=1, least=least)), None)


def nearest_few(name: str, names: Iterable[str], /, *, most: int, least: float = 0.0) -> list[str]:
    """Return so many of the names at the most, the one most like `name` first.

    Examples
    --------
    >>> nearest_few("colour", ["carts", "color", "column"], most=2)
    ['color', 'column']
    """
    by_letters: dict[str, list[str]] = {}
    for one in names:
        by_letters.setdefault(letters(one), []).append(one)
    close = get_close_matches(letters(name), by_letters, n=most, cutoff=least)
    return [one for found in close for one in by_letters[found]][:most]


def did_you_mean(name: str, names: Iterable[str], /, *, least: float = 0.6) -> str:
    """Return the end of a sentence that offers the nearest of some names; empty if none is near.

    Examples
    --------
    >>> did_you_mean("purchased", ["view", "purchase"]), did_you_mean("colour", ["view", "purchase"])
    (", did you mean 'purchase'?", '')
    """
    found = nearest(name, names, least=least)
    return f", did you mean {found!r}?" if found else ""


def letters(name: str, /) -> str:
    """Return the letters and digits of a name in lower case; a name without any as it is.

    Examples
    --------
    >>> letters("Add-To_Cart"), letters("*")
    ('addtocart', '*')
    """
    return "".join(sign for sign in name.lower() if sign.isalnum()) or name
