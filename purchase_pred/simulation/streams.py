"""Where the random numbers come from: one generator for each (seed, stream, block of users)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purchase_pred.settings.simulator import DatasetSettings

BLOCK_USERS: Final = 2_500
"""Users who are drawn together, which bounds the memory. Not a setting, because another size draws another world."""


class Stream(IntEnum):
    """What a generator is for; drawing more from one stream does not change the others."""

    CATALOG = 1
    PROMOTIONS = 2
    POPULARITY = 3
    USERS = 4
    TRAITS = 5
    NEEDS = 6
    JOURNEYS = 7
    IDLE = 8
    NEED_LOOKS = 9
    IDLE_LOOKS = 10
    CLICKS = 11
    NOISE = 12
    TRUTH = 13
    ROLLOUTS = 14


def generator(dataset: DatasetSettings, stream: Stream, block: int = 0) -> np.random.Generator:
    """Return the generator of a stream for a block of users (0 for what concerns the shop as a whole)."""
    return np.random.default_rng((dataset.random_seed, stream, block))


def user_blocks(dataset: DatasetSettings) -> Iterator[tuple[int, range]]:
    """Yield the blocks: number, and the positions (from 0) of its users."""
    for block, first in enumerate(range(0, dataset.num_users, BLOCK_USERS)):
        yield block, range(first, min(first + BLOCK_USERS, dataset.num_users))
