"""A condition looks at each event by itself: what could bring the future in is refused where it is declared."""

from __future__ import annotations

import math

import polars as pl
import pytest

import purchase_pred as pp

price = pl.col("price")

ALONE = (
    price > 3,
    price.is_between(1, 2) | price.is_null(),
    pl.col("event_type").is_in(["view", "scroll"]),
    pl.col("item_id").is_in(pl.Series([1, 2])),
    pl.col("event_type").cast(pl.String).str.starts_with("v") & (pl.col("timestamp").dt.hour() < 6),
    pl.when(price > 3).then("flag").otherwise(statement=False),
    pl.any_horizontal("flag", price > 3),
    price.map_elements(math.isfinite, return_dtype=pl.Boolean),
    pl.lit(value=True),
    pl.sql_expr("item_id in (1, 2) and coalesce(price, 0) < 3 and event_type like 'v%'"),
)
TOGETHER = (
    price > price.mean(),
    price == price.max().over("user_id"),
    pl.col("event_type").shift(-1) == "purchase",
    price.is_first_distinct(),
    (price > 3) & (price.rank() < 2),
    price.cum_sum() > 3,
    pl.int_range(pl.len()) < 3,
    pl.sql_expr("price > avg(price)"),
    pl.sql_expr("sum(price) over (partition by user_id) > 3"),
)


@pytest.mark.parametrize("condition", ALONE, ids=str)
def test_a_condition_on_the_event_itself_is_taken(condition: pl.Expr) -> None:
    assert pp.count("n", where=condition).where is condition


@pytest.mark.parametrize("condition", TOGETHER, ids=str)
def test_a_condition_on_several_events_is_refused(condition: pl.Expr) -> None:
    with pytest.raises(ValueError, match="where of 'n' must look at each event by itself"):
        pp.total("n", "price", where=condition)
