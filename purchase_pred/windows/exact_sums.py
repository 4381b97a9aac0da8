"""Exact sums of prices, seconds or any numbers: fixed point in one 128-bit integer, exact for whole hundredths."""

from __future__ import annotations

from typing import Final

import polars as pl

from purchase_pred.arithmetic import divide

_FRACTION: Final = 2**56
"""Units in one hundredth: whole hundredths, as prices in cents are, have no rounding error, nor have their sums."""
_WHOLE: Final = 2.0**-50
"""A value within this share of a whole number of hundredths was written as one, and is one."""


def fixed_point(column: pl.Expr, dtype: pl.DataType, /) -> pl.Expr:
    """Return the column as Int128 in units of 2^-56 hundredths; null where it is null, not finite, or past 2e19."""
    if dtype.is_integer():
        return column.cast(pl.Int128) * (100 * _FRACTION)
    hundredths = column.cast(pl.Float64) * 100
    whole = hundredths.round()
    written_whole = (hundredths - whole).abs() <= hundredths.abs() * _WHOLE
    amount = pl.when(written_whole).then(whole).otherwise(hundredths)
    return (amount * _FRACTION).round().cast(pl.Int128, strict=False)


def to_float(amount: pl.Expr, /) -> pl.Expr:
    """Return an amount of `fixed_point` as Float64, correctly rounded where it is whole hundredths."""
    return divide(amount.cast(pl.Float64) * _FRACTION**-1, 100)
