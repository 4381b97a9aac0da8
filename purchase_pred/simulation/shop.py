"""The shop week by week: which items are on sale, how popular they are, and which are on promotion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.schema import BASE_PRICE, CATEGORY, CREATED_AT, DISCOUNT_PCT, ITEM_ID
from purchase_pred.simulation.catalog import promotion_depths
from purchase_pred.simulation.rhythm import US_PER_WEEK
from purchase_pred.simulation.streams import Stream, generator

if TYPE_CHECKING:
    import polars as pl

    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.arrays import Bools, Floats, Ints
    from purchase_pred.simulation.rhythm import Rhythm

LAUNCH_WEEKS: Final = 3.0
"""Mean time for which a launch makes an item more popular."""


@dataclass(frozen=True)
class Shop:
    """Items (columns) by week (rows); items are ordered by category, and known by their position in that order."""

    item_id: Ints
    category: Ints
    base_price: Floats
    price_level: Floats
    """Base price in standard deviations of its category's log prices."""
    depth: Floats
    """Discount of the item's promotions, a share of the base price."""
    promotion_share: Floats
    """Probability of a promotion in any week."""
    promoted: Bools
    popularity: Floats
    """Share of an item in its category's demand; by (week, item), 0 before it is on sale."""
    shelf: Floats
    """Running sum of `popularity` over each category plus the number of (week, category): sorted as a whole."""
    consumable: Bools
    repeat_days: Floats
    stocked: Bools
    """For each category whether it holds any item."""
    season: Floats
    """Seasonal weight by (week, category)."""

    def draw(self, week: Ints, category: Ints, draws: Floats) -> Ints:
        """Return items of a category by their popularity in a week; `draws` lie in [0, 1)."""
        row = week * len(self.stocked) + category
        # Close to 1 the sum can round up into the next row.
        key = np.minimum(row + draws, np.nextafter(row + 1.0, 0.0))
        position: Ints = np.searchsorted(self.shelf, key, side="right") % len(self.item_id)
        return position

    def find(self, item_id: pl.Series) -> Ints:
        """Return the positions of items, -1 for those that the shop does not have."""
        order = np.argsort(self.item_id)
        wanted = item_id.to_numpy()
        at = order[np.minimum(np.searchsorted(self.item_id, wanted, sorter=order), len(order) - 1)]
        return np.where(self.item_id[at] == wanted, at, -1)

    def discount(self, week: Ints, item: Ints) -> Floats:
        """Return the discount of items in a week, as a share of the base price."""
        return np.where(self.promoted[week, item], self.depth[item], 0.0)

    def price(self, week: Ints, item: Ints) -> Floats:
        """Return the price shown for items in a week."""
        return (self.base_price[item] * (1.0 - self.discount(week, item))).round(2)


def open_shop(catalog: pl.DataFrame, /, *, dataset: DatasetSettings, rhythm: Rhythm) -> Shop:
    """Return the shop behind a catalog: its hidden popularity and its plan of promotions."""
    codes = catalog[CATEGORY].to_physical().to_numpy().astype(np.int64)
    order = np.argsort(codes, kind="stable")
    category = codes[order]
    settings = list(dataset.categories.values())
    created = (catalog[CREATED_AT] - rhythm.origin).dt.total_microseconds().to_numpy()[order]
    base = catalog[BASE_PRICE].to_numpy()[order]
    offer_share = np.array([each.promotion_share for each in settings])[category]
    first_week = np.clip(-((rhythm.monday - created) // US_PER_WEEK), 0, rhythm.weeks)
    popularity = _popularity(dataset, category, first_week, rhythm.weeks)
    draws = generator(dataset, Stream.PROMOTIONS, 1)
    promoted = draws.random((rhythm.weeks, len(codes))) < offer_share
    launched = np.flatnonzero((first_week > 0) & (first_week < rhythm.weeks))
    promoted[first_week[launched], launched] = catalog[DISCOUNT_PCT].to_numpy()[order][launched] > 0
    consumable = np.array([each.consumable_share for each in settings])[category]
    spread = np.array([max(each.price_spread, 1e-6) for each in settings])[category]
    median = np.array([each.median_price for each in settings])[category]
    return Shop(
        item_id=catalog[ITEM_ID].to_numpy()[order],
        category=category,
        base_price=base,
        price_level=np.log(base / median) / spread,
        depth=promotion_depths(dataset, codes)[order],
        promotion_share=offer_share,
        promoted=promoted,
        popularity=popularity,
        shelf=_shelf(popularity, category, len(settings)),
        consumable=draws.random(len(codes)) < consumable,
        repeat_days=np.array([each.repeat_days for each in settings])[category],
        stocked=np.bincount(category, minlength=len(settings)) > 0,
        season=rhythm.season(
            np.array([float(each.season_peak) for each in settings]),
            np.array([each.season_amplitude for each in settings]),
        ),
    )


def _popularity(dataset: DatasetSettings, category: Ints, first_week: Ints, weeks: int) -> Floats:
    settings = dataset.catalog
    draws = generator(dataset, Stream.POPULARITY)
    size = len(category)
    rank = np.empty(size)
    rank[np.lexsort((draws.random(size), category))] = np.arange(size)
    rank -= np.searchsorted(category, category)
    drift = np.cumsum(settings.popularity_drift * draws.standard_normal((weeks, size)), axis=0)
    age = np.arange(weeks)[:, None] - first_week
    launch = 1.0 + settings.launch_boost * np.exp(-np.maximum(age, 0) / LAUNCH_WEEKS) * (first_week > 0)
    weight = (1.0 + rank) ** -settings.popularity_exponent * np.exp(drift) * launch * (age >= 0)
    total = np.add.reduceat(weight, np.unique(category, return_index=True)[1], axis=1)
    share: Floats = weight / total[:, np.unique(category, return_inverse=True)[1]]
    return share


def _shelf(popularity: Floats, category: Ints, categories: int) -> Floats:
    running = np.cumsum(popularity, axis=1)
    start = np.searchsorted(category, category)
    before = np.where(start > 0, running[:, start - 1], 0.0)
    within = np.minimum(running - before, 1.0)
    end = np.searchsorted(category, category, side="right") - 1
    within[:, np.unique(end)] = 1.0
    row = np.arange(len(popularity))[:, None] * categories + category
    return np.ravel(within + row)
