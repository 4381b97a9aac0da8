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
    blocks = rows.select(KEY, BASE, (time // length).alias("block"), (time % length).cast(pl.Float64).alias("offset"))
    same_entity = pl.col(BASE).eq(pl.col(BASE).shift(1)).fill_null(value=False)
    weighed = blocks.with_columns(
        (~same_entity | pl.col("block").ne(pl.col("block").shift(1))).alias("starts"),
        same_entity.alias("inherits"),
        (power(divide(pl.col("offset"), half_life)) * _RESOLUTION).cast(pl.Int128).alias("weight"),
    ).with_columns(pl.col("weight").cum_sum().alias("running"))
    before = pl.when("starts").then(pl.col("running") - pl.col("weight")).forward_fill()
    summed = weighed.with_columns(((pl.col("running") - before).cast(pl.Float64) * _RESOLUTION**-1).alias("sum"))
    inherited = pl.when("inherits").then(pl.col("sum").shift(1)).otherwise(0.0)
    inherited_from = pl.when("inherits").then(pl.col("block").shift(1)).otherwise("block")
    carried = summed.with_columns(
        pl.when("starts").then(inherited).forward_fill().alias("carry"),
        pl.when("starts").then(inherited_from).forward_fill().alias("carried_from"),
    )
    own = pl.col("sum") * power(divide(-pl.col("offset"), half_life))
    since = (pl.col("block") - pl.col("carried_from")).cast(pl.Float64) * length + pl.col("offset")
    return carried.select(KEY, (own + pl.col("carry") * power(divide(-since, half_life))).alias(DECAYED))


def power(exponent: pl.Expr) -> pl.Expr:
    """Return 2 to the power of `exponent`."""
    return pl.lit(2.0).pow(exponent)
