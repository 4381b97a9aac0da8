"""Comparison with the reference: whole numbers, text and nulls exactly, floats to 1e-9 relative or 1e-12 absolute."""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl


def assert_columns_equal(actual: pl.DataFrame, expected: Mapping[str, Sequence]) -> None:
    """Demand that each expected column is there and equal, row by row."""
    missing = sorted(expected.keys() - set(actual.columns))
    assert not missing, f"columns missing: {missing}; found: {sorted(actual.columns)}"
    for name, values in expected.items():
        found = actual[name].to_list()
        assert len(found) == len(values), f"{name}: {len(values)} rows expected, {len(found)} found"
        wrong = [row for row in range(len(values)) if not same(found[row], values[row])]
        assert not wrong, (
            f"{name}: row {wrong[0]} (of {len(wrong)} that differ) must be {values[wrong[0]]!r}, "
            f"found {found[wrong[0]]!r}"
        )


def same(found: object, expected: object) -> bool:
    """Return whether two values are equal, floats up to rounding."""
    if isinstance(expected, float) and isinstance(found, float):
        return isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
    return type(found) is type(expected) and found == expected
