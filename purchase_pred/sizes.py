"""Amounts of memory as people write them ("4GB", "512MiB")."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
                 "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}  # fmt: skip
_OF_LETTERS: Final = {unit.upper(): size for unit, size in _UNITS.items()}
_PATTERN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")


def parse_size(size: str, /) -> int:
    """Return an amount of memory in bytes.

    Parameters
    ----------
    size
        A number and a unit: ``B``, ``KB``, ``MB``, ``GB``, ``TB`` in thousands, ``KiB``, ``MiB``, ``GiB``, ``TiB`` in
        1,024s; in letters of either case.

    Raises
    ------
    ValueError
        The text is not of that form, or less than one byte.

    Examples
    --------
    >>> parse_size("4GB"), parse_size("1.5 GiB")
    (4000000000, 1610612736)
    """
    found = _PATTERN.fullmatch(size.strip())
    unit = _OF_LETTERS.get(found[2].upper()) if found else None
    amount = int(float(found[1]) * unit) if found and unit else 0
    if amount < 1:
        units = ", ".join(_UNITS)
        raise ValueError(f"an amount of memory is a number and a unit of {units}, such as '4GB', found {size!r}")
    return amount
