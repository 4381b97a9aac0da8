"""The catalog: items with their categories, and prices as of when they went on sale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.schema import BASE_PRICE, CATEGORY, CREATED_AT, CURRENT_PRICE, DISCOUNT_PCT, ITEM_ID, TIME_DTYPE
from purchase_pred.simulation.arrays import share_out
from purchase_pred.simulation.rhythm import US_PER_DAY, US_PER_HOUR, US_PER_WEEK, build_rhythm
from purchase_pred.simulation.streams import Stream, generator

if TYPE_CHECKING:
    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.arrays import Bools, Floats, Ints

AGE_DAYS: Final = 300.0
"""Mean age, at the start of the period, of the items that are on sale then."""
DEEPEST: Final = 0.7
LOWEST_PRICE: Final = 0.5


def simulate_catalog(dataset: DatasetSettings) -> pl.DataFrame:
    """Draw the catalog, with prices and discounts as they were when each item went on sale.

    Parameters
    ----------
    dataset
        Settings of the synthetic shop.

    Returns
    -------
    pl.DataFrame
        One row per item, by ascending `item_id`: `item_id` Int64 (1, 2, 3, ...), `category` Enum, `base_price`
        Float64, `discount_pct` Float64 (0-100, at `created_at`), `current_price` Float64 (at `created_at`),
        `created_at` Datetime("us", "UTC"), before or within the period. Events carry the price of their own time.

    Examples
    --------
    >>> from purchase_pred.settings.simulator import DatasetSettings
    >>> simulate_catalog(DatasetSettings(num_items=5))["item_id"].to_list()
    [1, 2, 3, 4, 5]
    """
    draws = generator(dataset, Stream.CATALOG)
    settings = list(dataset.categories.values())
    counts = share_out(dataset.num_items, np.array([each.share for each in settings]))
    category = draws.permutation(np.repeat(np.arange(len(settings)), counts))
    median = np.array([each.median_price for each in settings])[category]
    spread = np.array([each.price_spread for each in settings])[category]
    price = median * np.exp(spread * draws.standard_normal(dataset.num_items))
    base = np.maximum(price.round(2), LOWEST_PRICE)
    offer_share = np.array([each.promotion_share for each in settings])[category]
    offer = draws.random(dataset.num_items) < offer_share
    discount = np.where(offer, promotion_depths(dataset, category), 0.0)
    created = pl.Series(_created(dataset, category, draws)).cast(pl.Duration("us"))
    return pl.DataFrame(
        {
            ITEM_ID: np.arange(1, dataset.num_items + 1),
            CATEGORY: pl.Series(category.astype(np.uint8)).cat.to(pl.Enum(list(dataset.categories))),
            BASE_PRICE: base,
            DISCOUNT_PCT: 100.0 * discount,
            CURRENT_PRICE: (base * (1.0 - discount)).round(2),
        }
    ).with_columns((pl.lit(build_rhythm(dataset).origin, TIME_DTYPE) + created).alias(CREATED_AT))


def promotion_depths(dataset: DatasetSettings, category: Ints) -> Floats:
    """Return for items in catalog order the discount of their promotions: a share, in whole percent."""
    mean = np.array([each.promotion_depth for each in dataset.categories.values()])[category]
    factor = 0.5 + generator(dataset, Stream.PROMOTIONS).random(len(category))
    return np.minimum(mean * factor, DEEPEST).round(2)


def _created(dataset: DatasetSettings, category: Ints, draws: np.random.Generator) -> Ints:
    """Return when each item goes on sale: long before the period, or in the night before a Monday within it."""
    size = len(category)
    rhythm = build_rhythm(dataset)
    mondays = rhythm.monday + US_PER_WEEK * np.arange(rhythm.weeks + 1)
    mondays = mondays[(mondays >= US_PER_DAY) & (mondays < rhythm.end)]
    before = -np.ceil(draws.exponential(AGE_DAYS, size) * US_PER_DAY).astype(np.int64)
    launched = (draws.random(size) < dataset.catalog.launched_during) & ~_first_of(category)
    week, hours = draws.random((2, size))
    if not mondays.size:
        return before
    monday = mondays[(week * mondays.size).astype(np.int64)]
    return np.where(launched, monday - (12 * hours * US_PER_HOUR).astype(np.int64), before)


def _first_of(category: Ints) -> Bools:
    """Mark the first item of each category, which is on sale from the start so that no category is ever empty."""
    first = np.zeros(len(category), dtype=bool)
    first[np.unique(category, return_index=True)[1]] = True
    return first
