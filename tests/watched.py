"""A quiet shop and a model's rows, for tests of monitoring: what is planted into them is up to the test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from frames import START as FIRST_ROW
from frames import feature_frame

from purchase_pred.models import train_models
from purchase_pred.schema import EVENT_TYPE_DTYPE
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from purchase_pred.models import FittedModel

DAY = timedelta(days=1)
START = datetime(2024, 8, 1, tzinfo=UTC)
DAYS = 70
AS_OF = START + DAYS * DAY
BAD = AS_OF - 2 * DAY
"""The day on which something is planted."""
SETTINGS = Settings.model_validate(
    {"train": {"models": ["lightgbm"], "threads": 1, "lightgbm": {"max_rounds": 20, "min_data_in_leaf": 20}}}
)
LEARNT = {
    "train": feature_frame(5_000, seed=0, days=10),
    "val": feature_frame(3_000, seed=1, first_day=10, days=5),
}
ROWS_AS_OF = FIRST_ROW + 55 * DAY


def quiet_log() -> pl.DataFrame:
    """Return seventy days: weekends twice as busy, evenings busier than mornings, prices of each item its own."""
    rng = np.random.default_rng(7)
    frames = []
    for day in range(DAYS):
        busy = 2 if (START + day * DAY).weekday() >= 5 else 1
        count = rng.poisson(220 * busy)
        hour = np.clip(rng.normal(17, 4, count), 0, 23.9)
        item = rng.integers(0, 20, count)
        kind = rng.choice(["view", "add_to_cart", "purchase"], count, p=[0.8, 0.14, 0.06])
        frames.append(
            pl.DataFrame(
                {
                    "user_id": rng.integers(0, 150, count),
                    "item_id": item,
                    "timestamp": pl.Series((hour * 3.6e9).astype(np.int64)).cast(pl.Duration("us")) + START + day * DAY,
                    "event_type": pl.Series(kind, dtype=EVENT_TYPE_DTYPE),
                    "price": 10.0 + item * rng.choice([0.9, 1.0], count),
                }
            )
        )
    return pl.concat(frames)


def fitted() -> FittedModel:
    """Return a model of the rows in `LEARNT`."""
    (model,) = train_models(LEARNT["train"], LEARNT["val"], settings=SETTINGS)
    return model


def later_rows() -> pl.DataFrame:
    """Return forty days of rows since validation; of the last day no label is known yet."""
    later = feature_frame(12_000, seed=2, first_day=15, days=40)
    known = pl.col("label_end") <= ROWS_AS_OF
    return later.with_columns(pl.when(known).then("label").alias("label"), pl.lit("test").alias("split"))
