"""The log of the synthetic shop, block by block of users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.schema import (
    CATALOG,
    DURATION,
    EVENT_ID,
    EVENT_TYPE,
    EVENT_TYPE_DTYPE,
    ITEM_ID,
    PERSONA,
    PRICE,
    TIME_DTYPE,
    TIMESTAMP,
    USER_ID,
    USERS,
    require,
)
from purchase_pred.simulation.arrays import concatenate, take
from purchase_pred.simulation.block import Block
from purchase_pred.simulation.clicks import click
from purchase_pred.simulation.journeys import simulate_journeys
from purchase_pred.simulation.looks import idle_looks, need_looks
from purchase_pred.simulation.needs import draw_needs
from purchase_pred.simulation.noise import add_noise
from purchase_pred.simulation.rhythm import build_rhythm
from purchase_pred.simulation.shop import open_shop
from purchase_pred.simulation.streams import Stream, generator, user_blocks
from purchase_pred.simulation.truth import truth_of
from purchase_pred.simulation.users import draw_traits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop


@dataclass(frozen=True)
class WorldChunk:
    """The events of a block of users, and the truth behind them."""

    events: pl.DataFrame
    truth: pl.DataFrame


def simulate_clickstream(
    dataset: DatasetSettings, users: pl.DataFrame, catalog: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """Yield the events of the synthetic shop, one frame for each block of users.

    Parameters
    ----------
    dataset
        Settings of the synthetic shop.
    users, catalog
        What `simulate_users` and `simulate_catalog` return for the same settings.

    Yields
    ------
    pl.DataFrame
        Canonical events by (`user_id`, `timestamp`, `event_id`); users and `event_id` (0, 1, 2, ...) run on from
        frame to frame. `timestamp` lies in [start, start + num_days) and not before the user's registration date;
        `duration_seconds` is null for clicks on the cart and purchases; `price` is the price shown at the time.

    Raises
    ------
    InputError
        `users` or `catalog` do not belong to these settings.

    Examples
    --------
    >>> from purchase_pred.settings.simulator import DatasetSettings
    >>> from purchase_pred.simulation import simulate_catalog, simulate_users
    >>> small = DatasetSettings(num_users=2, num_items=10)
    >>> events = next(simulate_clickstream(small, simulate_users(small), simulate_catalog(small)))
    >>> events["event_id"][:3].to_list()
    [0, 1, 2]
    """
    known = 0
    rhythm = build_rhythm(dataset)
    shop = _open(dataset, users, catalog, rhythm)
    for number, block in enumerate(_blocks(dataset, users, shop, rhythm)):
        events = add_noise(_events(block, shop, rhythm, known), dataset=dataset, block=number)
        known += events.height
        yield events


def simulate_world(dataset: DatasetSettings, users: pl.DataFrame, catalog: pl.DataFrame) -> Iterator[WorldChunk]:
    """Yield the events of the synthetic shop together with the truth behind them.

    Parameters
    ----------
    dataset, users, catalog
        As for `simulate_clickstream`, which yields the same events.

    Yields
    ------
    WorldChunk
        `events` as there, and `truth` in the columns of `TRUTH`, both of the same block of users; `need_id` runs on
        from chunk to chunk.

    Raises
    ------
    InputError
        `users` or `catalog` do not belong to these settings.
    """
    events_known = needs_known = 0
    rhythm = build_rhythm(dataset)
    shop = _open(dataset, users, catalog, rhythm)
    for number, block in enumerate(_blocks(dataset, users, shop, rhythm)):
        events = add_noise(_events(block, shop, rhythm, events_known), dataset=dataset, block=number)
        truth = truth_of(block, shop, rhythm, known=needs_known)
        events_known += events.height
        needs_known += truth.height
        yield WorldChunk(events, truth)


def _blocks(dataset: DatasetSettings, users: pl.DataFrame, shop: Shop, rhythm: Rhythm) -> Iterator[Block]:
    for number, rows in user_blocks(dataset):
        yield _simulate_block(dataset, users[rows.start : rows.stop], shop, rhythm, number)


def _simulate_block(dataset: DatasetSettings, public: pl.DataFrame, shop: Shop, rhythm: Rhythm, number: int) -> Block:
    users = draw_traits(public, dataset=dataset, rhythm=rhythm, stocked=shop.stocked, block=number)
    streams = {stream: generator(dataset, stream, number) for stream in Stream}
    drawn = draw_needs(users, shop, dataset=dataset, rhythm=rhythm, draws=streams[Stream.NEEDS])
    needs, visits = simulate_journeys(
        drawn, users, shop, dataset=dataset, rhythm=rhythm, draws=streams[Stream.JOURNEYS]
    )
    wanted = need_looks(visits, needs, shop, dataset=dataset, rhythm=rhythm, draws=streams[Stream.NEED_LOOKS])
    idle = idle_looks(users, shop, dataset=dataset, rhythm=rhythm, draws=streams[Stream.IDLE_LOOKS])
    clicks = [
        click(looks, shop, settings=dataset.visits, rhythm=rhythm, draws=streams[Stream.CLICKS])
        for looks in (wanted, idle)
    ]
    together = concatenate(clicks)
    seen = (together.clock >= users.registered[together.user]) & (together.clock < rhythm.end)
    together = take(together, np.flatnonzero(seen))
    order = np.lexsort((together.clock, together.user))
    return Block(users, needs, visits, take(together, order), clicks[0])


def _events(block: Block, shop: Shop, rhythm: Rhythm, known: int) -> pl.DataFrame:
    clicks = block.clicks
    return pl.DataFrame(
        {
            EVENT_ID: np.arange(known, known + len(clicks.clock), dtype=np.uint64),
            USER_ID: block.users.user_id[clicks.user],
            TIMESTAMP: clicks.clock,
            EVENT_TYPE: pl.Series(clicks.code.astype(np.uint8)).cat.to(EVENT_TYPE_DTYPE),
            ITEM_ID: shop.item_id[clicks.item],
            DURATION: clicks.dwell.astype(np.float32),
            PRICE: clicks.price,
        }
    ).with_columns(
        (pl.lit(rhythm.origin, TIME_DTYPE) + pl.col(TIMESTAMP).cast(pl.Duration("us"))).alias(TIMESTAMP),
        pl.col(DURATION).fill_nan(None),
    )


def _open(dataset: DatasetSettings, users: pl.DataFrame, catalog: pl.DataFrame, rhythm: Rhythm) -> Shop:
    require(users.lazy(), {**USERS, PERSONA: pl.Enum(list(dataset.personas))}, what="users")
    require(catalog.lazy(), CATALOG, what="catalog")
    for name, found, wanted in (
        ("users", users.height, dataset.num_users),
        ("items", catalog.height, dataset.num_items),
    ):
        if found != wanted:
            raise InputError(
                f"the settings ask for {wanted} {name}, found {found}: pass the frames that were drawn for them"
            )
    return open_shop(catalog, dataset=dataset, rhythm=rhythm)
