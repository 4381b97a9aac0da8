"""Exponentially decayed counts from exact running sums, for any half-life over any span.

Weights 2^(t / half_life) overflow over a long log, so time is cut into blocks of 60 half-lives and weights restart at
each. Within a block they are summed as 128-bit integers (resolution 2^-40), so neither other entities nor the order of
events touch a digit. What a block inherits from the one before it is carried along; what lies further back weighs less
than 2^-60 of the latest event and is left out.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from purchase_pred.arithmetic import divide
from purchase_pred.windows.keys import BASE, KEY, entity_time

DECAYED: Final = "__decayed"
_HALF_LIVES_PER_BLOCK: Final = 60
_RESOLUTION: Final = 2.0**40


def with_decayed_counts(rows: pl.LazyFrame, half_life: int, /) -> pl.LazyFrame:
    """Return `KEY` and `DECAYED`: at each row, the sum of 2^(-age / half_life) over the entity's rows up to it.

    `rows` are sorted by `KEY`; the age is measured from the row's own time; `half_life` is in microseconds.
    """
    length = min(_HALF_LIVES_PER_BLOCK * half_life, 2**62)
    time = entity_time(KEY)
    blocks = rows.select(KEY, BASE, (time // length).alias("block"), (time % length).alias("offset"))
    same_entity = pl.col(BASE).eq(pl.col(BASE).shift(1))
    since_before = pl.when(same_entity).then(pl.col("block") - pl.col("block").shift(1))
    weighed = blocks.select(
        KEY,
        since_before.ne_missing(0).alias("starts"),
        since_before.eq(1).alias("inherits"),
        power(divide(pl.col("offset"), half_life)).alias("weight"),
    ).with_columns((pl.col("weight") * _RESOLUTION).cast(pl.Int128).alias("units"))
    running = pl.col("units").cum_sum()
    before = pl.when("starts").then(running - pl.col("units")).forward_fill()
    summed = weighed.with_columns(((running - before).cast(pl.Float64) * _RESOLUTION**-1).alias("sum"))
    inherited = pl.when("inherits").then(pl.col("sum").shift(1) * 2.0 ** -(length / half_life)).otherwise(0.0)
    carry = pl.when("starts").then(inherited).forward_fill()
    return summed.select(KEY, ((pl.col("sum") + carry) / pl.col("weight")).alias(DECAYED))


def power(exponent: pl.Expr) -> pl.Expr:
    """Return 2 to the power of `exponent`."""
    return pl.lit(2.0).pow(exponent)
