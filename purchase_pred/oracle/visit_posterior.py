"""The posterior of a visit's outcome, given the page views and clicks that it has made so far, by Bayes' rule."""

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

MOST_VIEWS: Final = 60
"""A visit with more page views than this is so unlikely that floating point cannot tell its probability from 0."""


@dataclass(frozen=True)
class PageView:
    """The latest page view of visits; all arrays are of one length."""

    views: Ints
    """Page views so far, this one included; 0 where the log shows none."""
    item: Ints
    """Position in the shop of the item viewed, -1 for one that the shop does not have."""
    cart: Bools
    """The item was put into the cart since."""
    remove: Bools
    """Something was taken out of the cart since."""


@dataclass(frozen=True)
class VisitState:
    """The latent state of visits at their start, the prior of the outcome included; all arrays are of one length."""

    items: Ints
    """Positions in the shop by rank, the favourite first, `NO_ITEM` beyond the set; by (visit, rank)."""
    shares: Floats
    """Probability of each item of the set, given that something is bought."""
    number: Ints
    """Number of the visit within its need: 1, 2, 3, ..."""
    repeat: Bools
    """The need is for another of a consumable, so that the visit has one page view only."""
    carted: Bools
    """Something is put into the cart in this visit."""
    in_cart: Bools
    """Something is in the cart, put there in this visit or before."""
    buy: Floats
    """Prior probability that the visit ends in a purchase."""
    stay: Floats
    """Probability that the need stays alive, given a visit without a purchase."""
    week: Ints
    """Week of the shop's plans in which the visit began."""


def latest_page_view(
    user_id: pl.Series, begun: pl.Series, now: pl.Series, events: pl.DataFrame, /, *, shop: Shop
) -> PageView:
    """Return the latest page view before `now` of visits that began at `begun`.

    The clicks of a visit are those of its user in [begun, now). Another visit of the user in that time is not told
    apart from it. Events may be in any order.
    """
    visits = pl.DataFrame({USER_ID: user_id, "begun": begun, "now": now}).with_row_index("visit")
    clicks = (
        events.lazy()
        .select(USER_ID, TIMESTAMP, EVENT_ID, ITEM_ID, pl.col(EVENT_TYPE).cast(pl.String))
        .join(visits.lazy(), on=USER_ID)
        .filter(pl.col(TIMESTAMP) >= pl.col("begun"), pl.col(TIMESTAMP) < pl.col("now"))
        .sort("visit", TIMESTAMP, EVENT_ID)
        .with_columns((pl.col(EVENT_TYPE) == VIEW).cum_sum().over("visit").alias("views"))
    )
    last = (
        clicks.filter(pl.col("views") == pl.col("views").max().over("visit"))
        .group_by("visit")
        .agg(
            pl.col("views", ITEM_ID).first(),
            cart=(pl.col(EVENT_TYPE) == ADD_TO_CART).any(),
            remove=(pl.col(EVENT_TYPE) == REMOVE_FROM_CART).any(),
        )
    )
    found = visits.lazy().join(last, on="visit", how="left", maintain_order="left").collect()
    item = found[ITEM_ID].fill_null(NO_ITEM)
    return PageView(
        views=found["views"].fill_null(0).to_numpy().astype(np.int64),
        item=shop.find(item),
        cart=found["cart"].fill_null(value=False).to_numpy(),
        remove=found["remove"].fill_null(value=False).to_numpy(),
    )


def visit_posterior(
    state: VisitState, view: PageView, /, *, wanted: Ints | None, shop: Shop, settings: VisitSettings
) -> tuple[Floats, Floats]:
    """Return P(a visit ends in the purchase that counts | its clicks), and P(its need is alive after it | its clicks).

    Parameters
    ----------
    state, view
        Latent state and latest page view of the visits.
    wanted
        Position of the item whose purchase counts; None: any item's.
    shop, settings
        The shop, and the settings of visits.

    Notes
    -----
    A page view that does not decide the visit goes to an item by the same distribution, whatever the outcome. The last
    page view of a visit that decides something goes to the item that is bought, put into the cart or taken out of it.
    So the latest page view is all that the likelihood depends on: the probability that it is the last one, and the
    probability of its item and clicks if it is and if it is not. Clicks that are impossible for the need (they belong
    to another visit) leave the prior as it is. An add_to_cart without a view of its own, before a direct purchase, is
    attributed to the page view before it.
    """
    ordinary, last = _undecided(state, view, shop, settings), _last_view(view.views, state.repeat, settings)
    here = _is(state.items, view.item)
    share_here = np.where(here, state.shares, 0.0).sum(axis=1)
    share = 1.0 if wanted is None else np.where(_is(state.items, wanted), state.shares, 0.0).sum(axis=1)
    share_of_here = share_here if wanted is None else np.where(wanted == view.item, share_here, 0.0)
    to_come = (1.0 - last) * ordinary
    intended = last * np.where(view.cart, state.carted, ~(state.carted & view.remove))
    bought = intended * (1.0 - settings.direct_purchase) * ~view.remove
    dropped = intended * here[:, 0]
    settled = np.where(state.carted, dropped * ~view.remove, last * ordinary)
    drop = state.in_cart * settings.remove * (1.0 - state.stay)
    none = (1.0 - state.buy) * (to_come + drop * dropped + (1.0 - drop) * settled)
    total = state.buy * (to_come + share_here * bought) + none
    known = (view.views > 0) & (total > 0)
    total = np.where(known, total, 1.0)
    counts = state.buy * (share * to_come + share_of_here * bought) / total
    alive = (1.0 - state.buy) * state.stay * (to_come + settled) / total
    return (
        np.where(known, counts, state.buy * share),
        np.where(known, alive, (1.0 - state.buy) * state.stay),
    )


def _undecided(state: VisitState, view: PageView, shop: Shop, settings: VisitSettings) -> Floats:
    """Return the likelihood of the latest page view and its clicks if it decides nothing."""
    size = (state.items != NO_ITEM).sum(axis=1)
    familiar = settings.familiarity * state.number
    weight = np.where(np.arange(state.items.shape[1]) == 0, familiar[:, None] + 1.0, 1.0)
    among = np.where(_is(state.items, view.item), weight, 0.0).sum(axis=1) / (familiar + size)
    item, favourite = np.maximum(view.item, 0), state.items[:, 0]
    same = (view.item >= 0) & (shop.category[item] == shop.category[favourite])
    considered = (1.0 - settings.distraction) * among
    astray = settings.distraction * np.where(same, shop.popularity[state.week, item], 0.0)
    spare = np.where(state.carted, settings.spare_cart_with_cart, settings.spare_cart)
    put = considered * spare * np.where(view.remove, settings.remove, 1.0)
    return np.where(view.cart, put, np.where(view.remove, 0.0, considered + astray))


def _is(items: Ints, item: Ints) -> Bools:
    """Return, by (visit, rank), where the items of each set are the given one."""
    found: Bools = (items == item[:, None]) & (items != NO_ITEM)
    return found


def _last_view(views: Ints, repeat: Bools, settings: VisitSettings) -> Floats:
    """Return P(the visit ends with its n-th page view | it has come to n), where n - 1 is Poisson."""
    beyond = np.arange(MOST_VIEWS)
    terms = np.cumprod(np.concatenate(([1.0], settings.need_looks / beyond[1:])))
    to_come = np.cumsum(terms[::-1])[::-1]
    ends = np.divide(terms, to_come, out=np.ones_like(terms), where=to_come > 0)
    return np.where(repeat, 1.0, ends[np.clip(views - 1, 0, MOST_VIEWS - 1)])
