"""What a mind reader would predict: P(label | latent state at T) for any prediction point of the synthetic world."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np
import polars as pl

from purchase_pred.durations import microseconds
from purchase_pred.errors import SchemaError, UnsupportedTargetError
from purchase_pred.schema import (
    EVENT_ID,
    EVENT_TYPE,
    IDENTIFIER,
    ITEM_ID,
    NAMED_KIND,
    PREDICTION_TIME,
    TIME_DTYPE,
    TIMESTAMP,
    USER_ID,
    Requirement,
    require,
)
from purchase_pred.simulation.catalog import simulate_catalog
from purchase_pred.simulation.moments import VisitTimes, chance_of_none, since_start
from purchase_pred.simulation.rhythm import build_rhythm
from purchase_pred.simulation.shop import open_shop
from purchase_pred.simulation.truth import TRUTH
from purchase_pred.simulation.unopened import look_ahead
from purchase_pred.simulation.users import simulate_users

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.settings.dataset import DatasetSettings
    from purchase_pred.simulation.arrays import Floats, Ints
    from purchase_pred.simulation.rhythm import Rhythm
    from purchase_pred.simulation.shop import Shop

Level = Literal["user_item", "user", "session"]

P: Final = "p"
SE: Final = "se"

_ROW: Final = "__row"
_CLICKS: Final[Mapping[str, Requirement]] = {
    EVENT_ID: IDENTIFIER,
    USER_ID: pl.Int64,
    TIMESTAMP: TIME_DTYPE,
    EVENT_TYPE: NAMED_KIND,
    ITEM_ID: pl.Int64,
}


def true_probability(
    anchors: pl.DataFrame,
    truth: pl.DataFrame,
    /,
    *,
    dataset: DatasetSettings,
    horizon: timedelta | str,
    level: Level = "user_item",
    gap: timedelta | str = timedelta(minutes=30),
    events: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the chance of each label given all that is latent at its T, and nothing of what is realised after it.

    The state at T is: each need that is open, with its intent, pace and items; its visits before T, and whether in one
    of them the cart was, or is about to be, filled; that it was given up, once its last visit is over; the rates at
    which the user's needs open; the prices of the week. The future it is averaged over is: visits, carts, decisions,
    promotions of later weeks, needs and gifts to come.

    Parameters
    ----------
    anchors
        ``user_id``, ``prediction_time`` and, for ``level="user_item"``, ``item_id``; in any order; more columns pass.
    truth
        The columns of `TRUTH`, from the same settings.
    dataset
        The settings of the synthetic shop.
    horizon
        The label looks at [T, T + horizon). Not used for ``level="session"``.
    level
        The user buys this item; buys anything; still buys in the session that T falls into.
    gap
        The inactivity threshold of sessions. Used for ``level="session"`` only.
    events
        The log (``event_id``, ``user_id``, ``timestamp``, ``event_type``, ``item_id``, in any order), for what is
        clicked before T in visits that are under way then.

    Returns
    -------
    pl.DataFrame
        The anchors, in their order, with ``p`` and ``se`` Float64. Needs that are open count in closed form, exact but
        for the length of visits; needs to come by means over needs drawn as the world draws them, and ``se`` is the
        standard error from that. Without `events`, what is clicked in a visit under way is not weighed: there, ``p`` of
        an item is up to a fifth too low. For ``level="session"`` the session is taken to go on for a visit's mean
        length and the gap. Rows with a null key or time have nulls. Users and items that the world does not have have
        no needs: 0.

    Raises
    ------
    SchemaError
        A column is missing, has another dtype, or is already there.
    UnsupportedTargetError
        The level is unknown.
    """
    if level not in get_args(Level):
        raise UnsupportedTargetError(f"the level must be one of {', '.join(get_args(Level))}, found {level!r}")
    item_key = {ITEM_ID: pl.Int64} if level == "user_item" else {}
    require(truth.lazy(), TRUTH, what="truth")
    require(anchors.lazy(), {USER_ID: pl.Int64, PREDICTION_TIME: TIME_DTYPE, **item_key}, what="anchors")
    if events is not None:
        require(events.lazy(), _CLICKS, what="events")
    taken = sorted({P, SE} & set(anchors.columns))
    if taken:
        raise SchemaError(f"anchors: columns would be made twice: {', '.join(taken)}; drop them first")
    rhythm = build_rhythm(dataset)
    shop = open_shop(simulate_catalog(dataset), dataset=dataset, rhythm=rhythm)
    rows = anchors.select(USER_ID, *item_key, PREDICTION_TIME).with_row_index(_ROW).drop_nulls()
    clock = since_start(rows[PREDICTION_TIME], rhythm)
    visits = VisitTimes.of(truth, rhythm)
    # A purchase ends a visit: to fall in time, the visit must begin a visit's length earlier.
    ahead = microseconds(gap) + visits.length if level == "session" else microseconds(horizon) - visits.length
    end = clock + max(ahead, 0)
    pairs = rows.with_columns(pl.Series("end", end)).drop(_ROW)
    missed = chance_of_none(pairs, truth, visits, shop=shop, rhythm=rhythm, dataset=dataset, events=events)
    expected, error = _purchases_to_come(rows, clock, end, dataset=dataset, shop=shop, rhythm=rhythm)
    none = missed * np.exp(-expected)
    result = rows.select(_ROW, pl.Series(P, 1.0 - none), pl.Series(SE, none * error))
    return anchors.with_row_index(_ROW).join(result, on=_ROW, how="left", maintain_order="left").drop(_ROW)


def _purchases_to_come(
    rows: pl.DataFrame, clock: Ints, end: Ints, /, *, dataset: DatasetSettings, shop: Shop, rhythm: Rhythm
) -> tuple[Floats, Floats]:
    """Return the expected number of purchases from needs yet to open, and its standard error."""
    users = simulate_users(dataset)
    prospects = look_ahead(users, shop, dataset=dataset, rhythm=rhythm)
    week = rhythm.week_at(clock)
    known = rows[USER_ID].is_between(1, users.height).to_numpy()
    user = np.where(known, rows[USER_ID].to_numpy() - 1, 0)
    span = rhythm.activity_at(end) - rhythm.activity_at(clock)
    expected, error = prospects.purchases(user, week, span, shop)
    if ITEM_ID not in rows.columns:
        return known * expected.sum(axis=1), known * np.sqrt((error**2).sum(axis=1))
    found = shop.find(rows[ITEM_ID])
    item = np.maximum(found, 0)
    share = known * (found >= 0) * prospects.share(user, week, item, shop)
    row = np.arange(len(item))
    return share * expected[row, shop.category[item]], share * error[row, shop.category[item]]
