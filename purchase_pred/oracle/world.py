"""The simulated world that the oracle reasons about: settings, activity clock, shop, and users with hidden traits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from purchase_pred.simulation.arrays import concatenate
from purchase_pred.simulation.catalog import simulate_catalog
from purchase_pred.simulation.rhythm import build_rhythm
from purchase_pred.simulation.shop import open_shop
from purchase_pred.simulation.streams import user_blocks
from purchase_pred.simulation.users import draw_traits, simulate_users

if TYPE_CHECKING:
    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop
    from purchase_pred.simulation.users import Users


@dataclass(frozen=True)
class World:
    """All that the settings fix before anything happens."""

    dataset: DatasetSettings
    rhythm: Rhythm
    shop: Shop
    users: Users
    """All users, in the order of their ids."""


def build_world(dataset: DatasetSettings, /) -> World:
    """Draw the world of these settings again: the same as the generator's, since the same generators are used."""
    rhythm = build_rhythm(dataset)
    shop = open_shop(simulate_catalog(dataset), dataset=dataset, rhythm=rhythm)
    public = simulate_users(dataset)
    users = [
        draw_traits(public[rows.start : rows.stop], dataset=dataset, rhythm=rhythm, stocked=shop.stocked, block=block)
        for block, rows in user_blocks(dataset)
    ]
    return World(dataset, rhythm, shop, concatenate(users))
