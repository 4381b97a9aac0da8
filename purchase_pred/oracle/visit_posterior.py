"""What the clicks of a visit under way give away about how it ends, by Bayes' rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.schema import (
    ADD_TO_CART,
    EVENT_ID,
    EVENT_TYPE,
    ITEM_ID,
    REMOVE_FROM_CART,
    TIMESTAMP,
    USER_ID,
    VIEW,
)
from purchase_pred.simulation.needs import NO_ITEM

if TYPE_CHECKING:
    from purchase_pred.settings.simulator import VisitSettings
    from purchase_pred.simulation.arrays import Bools, Floats, Ints
    from purchase_pred.simulation.shop import Shop

MOST_LOOKS: Final = 60
"""Looks beyond so many are as unlikely as the arithmetic can tell."""


@dataclass(frozen=True)
class Glance:
    """The look that a visit has come to; all arrays are of one length."""

    looks: Ints
    """Looks so far, the present one included; 0 where no click is known."""
    item: Ints
    """Position in the shop of the item that is looked at, -1 for one that the shop does not have."""
    cart: Bools
    """The item was put into the cart in this look."""
    remove: Bools
    """Something was taken out of the cart in this look."""


@dataclass(frozen=True)
class VisitMind:
    """What whoever makes the visit has in mind at its start; all arrays are of one length."""

    items: Ints
    """Positions in the shop by rank, the favourite first, `NO_ITEM` beyond the set; by (visit, rank)."""
    shares: Floats
    """Chance of each item of the set, once something is bought."""
    number: Ints
    repeat: Bools
    """Another of a consumable: a visit with one look."""
    carted: Bools
    """The cart is filled in this visit."""
    in_cart: Bools
    buy: Floats
    """Chance that the visit ends in a purchase."""
    stay: Floats
    """Chance that the need lives on after the visit, if it does not."""
    week: Ints


def glance_at(user_id: pl.Series, begun: pl.Series, now: pl.Series, events: pl.DataFrame, /, *, shop: Shop) -> Glance:
    """Return what the log shows of visits that began at one moment and are under way at another.

    A visit's clicks are those of its user in [begun, now): another visit at the same time would be taken for a part of
    it. Events in any order.
    """
    visits = pl.DataFrame({USER_ID: user_id, "begun": begun, "now": now}).with_row_index("visit")
    clicks = (
        events.lazy()
        .select(USER_ID, TIMESTAMP, EVENT_ID, ITEM_ID, pl.col(EVENT_TYPE).cast(pl.String))
        .join(visits.lazy(), on=USER_ID)
        .filter(pl.col(TIMESTAMP) >= pl.col("begun"), pl.col(TIMESTAMP) < pl.col("now"))
        .sort("visit", TIMESTAMP, EVENT_ID)
        .with_columns((pl.col(EVENT_TYPE) == VIEW).cum_sum().over("visit").alias("looks"))
    )
    last = (
        clicks.filter(pl.col("looks") == pl.col("looks").max().over("visit"))
        .group_by("visit")
        .agg(
            pl.col("looks", ITEM_ID).first(),
            cart=(pl.col(EVENT_TYPE) == ADD_TO_CART).any(),
            remove=(pl.col(EVENT_TYPE) == REMOVE_FROM_CART).any(),
        )
    )
    found = visits.lazy().join(last, on="visit", how="left", maintain_order="left").collect()
    item = found[ITEM_ID].fill_null(NO_ITEM)
    return Glance(
        looks=found["looks"].fill_null(0).to_numpy().astype(np.int64),
        item=shop.find(item),
        cart=found["cart"].fill_null(value=False).to_numpy(),
        remove=found["remove"].fill_null(value=False).to_numpy(),
    )


def weigh(
    mind: VisitMind, glance: Glance, /, *, wanted: Ints | None, shop: Shop, settings: VisitSettings
) -> tuple[Floats, Floats]:
    """Return the chances that a visit under way ends in the purchase that counts, and that its need lives on.

    Parameters
    ----------
    mind, glance
        What is intended, and what is seen of it.
    wanted
        Position of the item whose purchase counts; None: any item's.
    shop, settings
        The laws of the world.

    Notes
    -----
    Every look that is not the last of a visit that decides something goes to an item by the same law, whatever the
    visit comes to; the last one goes to what is bought, put into the cart or taken out of it. So all that the clicks
    tell lies in the present look: how likely it is to be the last, and how likely its item and its clicks are if it is,
    and if it is not. Where the clicks are impossible (those of another visit are among them) they tell nothing. What is
    put into the cart without a view, on the way to a direct purchase, is taken for a click of the look before.
    """
    ordinary, last = _ordinary(mind, glance, shop, settings), _last_look(glance.looks, mind.repeat, settings)
    here = _is(mind.items, glance.item)
    share_here = np.where(here, mind.shares, 0.0).sum(axis=1)
    share = 1.0 if wanted is None else np.where(_is(mind.items, wanted), mind.shares, 0.0).sum(axis=1)
    share_of_here = share_here if wanted is None else np.where(wanted == glance.item, share_here, 0.0)
    to_come = (1.0 - last) * ordinary
    intended = last * np.where(glance.cart, mind.carted, ~(mind.carted & glance.remove))
    bought = intended * (1.0 - settings.direct_purchase) * ~glance.remove
    dropped = intended * here[:, 0]
    settled = np.where(mind.carted, dropped * ~glance.remove, last * ordinary)
    drop = mind.in_cart * settings.remove * (1.0 - mind.stay)
    none = (1.0 - mind.buy) * (to_come + drop * dropped + (1.0 - drop) * settled)
    total = mind.buy * (to_come + share_here * bought) + none
    known = (glance.looks > 0) & (total > 0)
    total = np.where(known, total, 1.0)
    counts = mind.buy * (share * to_come + share_of_here * bought) / total
    lives = (1.0 - mind.buy) * mind.stay * (to_come + settled) / total
    return (
        np.where(known, counts, mind.buy * share),
        np.where(known, lives, (1.0 - mind.buy) * mind.stay),
    )


def _ordinary(mind: VisitMind, glance: Glance, shop: Shop, settings: VisitSettings) -> Floats:
    """Return how likely the item and the clicks of the present look are if it decides nothing."""
    size = (mind.items != NO_ITEM).sum(axis=1)
    familiar = settings.familiarity * mind.number
    weight = np.where(np.arange(mind.items.shape[1]) == 0, familiar[:, None] + 1.0, 1.0)
    among = np.where(_is(mind.items, glance.item), weight, 0.0).sum(axis=1) / (familiar + size)
    item, favourite = np.maximum(glance.item, 0), mind.items[:, 0]
    same = (glance.item >= 0) & (shop.category[item] == shop.category[favourite])
    considered = (1.0 - settings.distraction) * among
    astray = settings.distraction * np.where(same, shop.popularity[mind.week, item], 0.0)
    spare = np.where(mind.carted, settings.spare_cart_with_cart, settings.spare_cart)
    put = considered * spare * np.where(glance.remove, settings.remove, 1.0)
    return np.where(glance.cart, put, np.where(glance.remove, 0.0, considered + astray))


def _is(items: Ints, item: Ints) -> Bools:
    """Return where the items of each set are one item."""
    found: Bools = (items == item[:, None]) & (items != NO_ITEM)
    return found


def _last_look(looks: Ints, repeat: Bools, settings: VisitSettings) -> Floats:
    """Return the chance that a visit which has come to so many looks ends with this one."""
    beyond = np.arange(MOST_LOOKS)
    terms = np.cumprod(np.concatenate(([1.0], settings.need_looks / beyond[1:])))
    to_come = np.cumsum(terms[::-1])[::-1]
    ends = np.divide(terms, to_come, out=np.ones_like(terms), where=to_come > 0)
    return np.where(repeat, 1.0, ends[np.clip(looks - 1, 0, MOST_LOOKS - 1)])
