"""Small shops whose prediction points lie on events, between them, and in the middle of sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import polars as pl

from purchase_pred.schema import EVENT_TYPE_DTYPE, EVENT_TYPES, TIME_DTYPE

START = datetime(2024, 8, 1, tzinfo=UTC)
STEP = timedelta(hours=5)
WEIGHTS = (10, 4, 3, 1, 2)


def shop(seed: int, *, users: int = 8, events_per_user: int = 12) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return anchors, with labels, and sessionized events: times on a grid, so that ties and events at T are many."""
    random = Random(seed)  # noqa: S311  (a test case, not a secret)
    rows = []
    for user in range(users):
        for _ in range(random.randint(1, events_per_user)):
            slot = random.randint(0, 40)
            rows.append(
                (
                    user,
                    START + STEP * slot,
                    random.choice("abcd"),
                    1 + slot // 8,
                    random.choice((5.0, 9.99, 20.0, None)),
                )
            )
    random.shuffle(rows)
    kinds = random.choices(EVENT_TYPES, WEIGHTS, k=len(rows))
    events = pl.LazyFrame(
        [
            (i, *row, kind, random.choice((None, 3.0, 60.5)))
            for i, (row, kind) in enumerate(zip(rows, kinds, strict=True))
        ],
        schema={
            "event_id": pl.UInt64,
            "user_id": pl.Int64,
            "timestamp": TIME_DTYPE,
            "item_id": pl.String,
            "session_index": pl.UInt32,
            "price": pl.Float64,
            "event_type": EVENT_TYPE_DTYPE,
            "duration_seconds": pl.Float32,
        },
        orient="row",
    )
    times = [
        START + STEP * slot + random.choice((timedelta(0), timedelta(0), timedelta(microseconds=1)))
        for slot in range(4, 40, 3)
    ]
    asked = [
        (user, 1 + index // 3, random.choice("abcde"), time, time + timedelta(days=2), random.randint(0, 1))
        for user in range(users)
        for index, time in enumerate(times)
        if random.random() < 0.6
    ]
    random.shuffle(asked)
    anchors = pl.LazyFrame(
        asked,
        schema={
            "user_id": pl.Int64,
            "session_index": pl.UInt32,
            "item_id": pl.String,
            "prediction_time": TIME_DTYPE,
            "label_end": TIME_DTYPE,
            "label": pl.UInt8,
        },
        orient="row",
    )
    return anchors, events
