"""Feature names as the settings give them: checked against the features that there are."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from purchase_pred.errors import ConfigError
from purchase_pred.likeness import nearest, nearest_few

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAVE_OUT: Final = "train.leave_out"

_WILDCARDS: Final = frozenset("*?[")
_NEAREST: Final = 3
_SHOWN: Final = 5


def left_out(names: Sequence[str], /, *, leave_out: Sequence[str]) -> tuple[str, ...]:
    """Return those of the features that `train.leave_out` takes out, in their order.

    An entry that is a feature's name means that feature; any other is a pattern, in which `*` stands for any
    characters, `?` for one and `[ab]` for one of those listed; upper and lower case differ.

    Raises
    ------
    ConfigError
        An entry takes out nothing, or all entries together everything.

    Examples
    --------
    >>> left_out(("views_1d", "views_7d", "carts_7d"), leave_out=["*_7d"])
    ('views_7d', 'carts_7d')
    """
    taken = {name for entry in leave_out for name in _meant(entry, names)}
    if leave_out and len(taken) == len(set(names)):
        shown = f"{', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"
        raise ConfigError(
            f"{LEAVE_OUT} must leave a feature to learn from, found that it takes out all {len(names)} ({shown}): "
            "remove an entry or narrow a pattern"
        )
    return tuple(name for name in names if name in taken)


def unknown_feature(key: str, name: str, names: Sequence[str], /) -> ConfigError:
    """Return the error that says that a setting names no feature, and which come nearest.

    Examples
    --------
    >>> print(unknown_feature("train.monotone", "view", ["views", "carts"]))
    train.monotone: no feature is called 'view'; did you mean 'views'?
    """
    verb = "matches" if _WILDCARDS & set(name) else "is called"
    meant = nearest(name, names)
    if meant:
        return ConfigError(f"{key}: no feature {verb} {name!r}; did you mean {meant!r}?")
    few = ", ".join(map(repr, nearest_few(name, names, most=_NEAREST)))
    return ConfigError(f"{key}: no feature {verb} {name!r}; the nearest of {len(names)} are {few}")


def _meant(entry: str, names: Sequence[str]) -> list[str]:
    found = [entry] if entry in names else [name for name in names if fnmatchcase(name, entry)]
    if not found:
        raise unknown_feature(LEAVE_OUT, entry, names)
    return found
