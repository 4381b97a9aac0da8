"""Noise on request: duplicates, late rows, wrong clocks and other faults between a click and a row of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.schema import (
    DURATION,
    EVENT_ID,
    EVENT_ORDER,
    EVENT_TYPE,
    EVENT_TYPE_DTYPE,
    ITEM_ID,
    PRICE,
    TIMESTAMP,
    USER_ID,
    VIEW,
)
from purchase_pred.simulation.rhythm import US_PER_HOUR
from purchase_pred.simulation.streams import Stream, generator

if TYPE_CHECKING:
    from purchase_pred.settings.simulator import DatasetSettings

LONGEST_JUMP_HOURS: Final = 12.0
NEARBY: Final = 20.0
"""Rows out of order are at most so many rows from their place."""
UNKNOWN_ITEMS: Final = 50
"""How many items appear in a noisy log that the catalog does not have."""
US_PER_SECOND: Final = 1_000_000
BOT_SECONDS: Final = 2


def add_noise(events: pl.DataFrame, /, *, dataset: DatasetSettings, block: int) -> pl.DataFrame:
    """Return the events of a block of users with the noise that the settings ask for.

    Every share is a share of the rows. In this order: clocks that are wrong for a day by up to 12 hours either way,
    so that times may fall out of the period; prices that are null; items that the catalog does not have; views by
    crawlers, whose ``user_id`` is beyond the users'; exact duplicates, alike in all but ``event_id``; rows that stand
    up to 20 rows from their place; rows that come after all others of the block. Without any noise, and
    without any events, the events come back as they were.

    Parameters
    ----------
    events
        Clean events, by (`user_id`, `timestamp`, `event_id`).
    dataset
        Settings of the synthetic shop; `dataset.dirt` has the share of each kind of noise.
    block
        Number of the block of users.

    Returns
    -------
    pl.DataFrame
        The same columns; ``event_id`` is the position in the log, and runs on from the first one given.
    """
    dirt = dataset.dirt
    if events.is_empty() or not any(dirt.model_dump().values()):
        return events
    draws = generator(dataset, Stream.NOISE, block)
    shown = [
        _with_wrong_clocks(events, dirt.clock_jumps, draws),
        *_crawled(events, dirt.bots, draws, bot=dataset.num_users + 1 + block),
    ]
    log = pl.concat(shown).sort(EVENT_ORDER)
    log = log.with_columns(
        _where(draws, log.height, dirt.null_prices, None, PRICE),
        _where(
            draws,
            log.height,
            dirt.unknown_items,
            pl.Series(dataset.num_items + 1 + draws.integers(UNKNOWN_ITEMS, size=log.height)),
            ITEM_ID,
        ),
    )
    copies = 1 + (draws.random(log.height) < dirt.exact_duplicates)
    log = log[np.repeat(np.arange(log.height), copies)]
    log = log[_arrival(log.height, dirt.out_of_order, dirt.late, draws)]
    first = events[EVENT_ID][0]
    return log.with_columns(pl.int_range(first, first + pl.len(), dtype=pl.UInt64).alias(EVENT_ID))


def _where(draws: np.random.Generator, rows: int, share: float, value: pl.Series | None, name: str) -> pl.Expr:
    """Return a column with another value in a share of its rows."""
    hit = pl.Series(draws.random(rows) < share)
    return pl.when(hit).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)


def _with_wrong_clocks(events: pl.DataFrame, share: float, draws: np.random.Generator) -> pl.DataFrame:
    """Return the events with the clocks of some users wrong for some days."""
    day = events.select(pl.struct(USER_ID, pl.col(TIMESTAMP).dt.date()).rle_id()).to_series().to_numpy()
    days = int(day[-1]) + 1
    hours = draws.uniform(-LONGEST_JUMP_HOURS, LONGEST_JUMP_HOURS, days)
    jump = np.where(draws.random(days) < share, (hours * US_PER_HOUR).astype(np.int64), 0)
    return events.with_columns(pl.col(TIMESTAMP) + pl.Series(jump[day]).cast(pl.Duration("us")))


def _crawled(events: pl.DataFrame, share: float, draws: np.random.Generator, *, bot: int) -> list[pl.DataFrame]:
    """Return the rows that a crawler adds: at a steady pace, from a random event of the log on."""
    rows = round(events.height * share / (1.0 - share)) if share < 1.0 else events.height
    if rows == 0:
        return []
    seen = events[draws.integers(events.height, size=rows)]
    begin = events[TIMESTAMP][int(draws.integers(events.height))]
    after = pl.Series(np.arange(rows) * BOT_SECONDS * US_PER_SECOND).cast(pl.Duration("us"))
    return [
        seen.with_columns(
            pl.lit(bot, events.schema[USER_ID]).alias(USER_ID),
            (pl.lit(begin, events.schema[TIMESTAMP]) + after).alias(TIMESTAMP),
            pl.lit(VIEW, EVENT_TYPE_DTYPE).alias(EVENT_TYPE),
            pl.lit(float(BOT_SECONDS), pl.Float32).alias(DURATION),
        )
    ]


def _arrival(rows: int, out_of_order: float, late: float, draws: np.random.Generator) -> np.ndarray:
    """Return the order in which rows arrive: most in theirs, some a little off, some after all others."""
    place = np.arange(rows, dtype=np.float64)
    place += np.where(draws.random(rows) < out_of_order, draws.uniform(-NEARBY, NEARBY, rows), 0.0)
    place += np.where(draws.random(rows) < late, rows + NEARBY, 0.0)
    return np.argsort(place, kind="stable")
