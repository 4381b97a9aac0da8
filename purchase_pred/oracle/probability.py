"""What a mind reader would predict: P(label | latent state at T) for any prediction point of the synthetic world."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
import polars as pl

from purchase_pred.durations import microseconds
from purchase_pred.errors import SchemaError, UnsupportedTargetError
from purchase_pred.oracle.future_needs import look_ahead
from purchase_pred.oracle.latent_state import END, VisitTimes, chance_of_none, since_start
from purchase_pred.oracle.next_sessions import Reach, reach_within
from purchase_pred.oracle.rollouts import World
from purchase_pred.oracle.session_counts import Race
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
from purchase_pred.simulation.clicks import LONGEST_DWELL, US_PER_SECOND
from purchase_pred.simulation.rhythm import build_rhythm
from purchase_pred.simulation.shop import open_shop
from purchase_pred.simulation.truth import TRUTH
from purchase_pred.simulation.users import simulate_users

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.oracle.future_needs import Prospects
    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.arrays import Floats, Ints
    from purchase_pred.simulation.shop import Shop

Level = Literal["user_item", "user", "session"]

P: Final = "p"
SE: Final = "se"

US_PER_MINUTE: Final = 60 * US_PER_SECOND
LONGEST_SILENCE: Final = int(LONGEST_DWELL) * US_PER_SECOND + US_PER_MINUTE
"""No two clicks of a visit are further apart, in microseconds: the longest dwell, and ample time for a pause."""
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
    sessions: int | None = None,
    futures: int = 400,
    foresight: bool = True,
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
        The inactivity threshold of sessions. Used for ``level="session"`` and with `sessions` only.
    events
        The log (``event_id``, ``user_id``, ``timestamp``, ``event_type``, ``item_id``, in any order), for what is
        clicked before T in visits that are under way then and, with `sessions`, for the latest event before T.
    sessions
        The purchase must also fall within the user's next so many sessions after that of the latest event before T;
        what is left of a session in progress counts too. A session in progress always is within them: not used for
        ``level="session"``.
    futures
        Used with `sessions` only: how many futures are drawn for each user and T at which a need is open that counts; a
        quarter as many are drawn for the others.
    foresight
        False: all as above, but that a need was given up without a sign in the log is not known, and its chance to be
        alive is what the silence since its last visit leaves. No model that reads the log alone can do better than
        this. Not with `sessions`.

    Returns
    -------
    pl.DataFrame
        The anchors, in their order, with ``p`` and ``se`` Float64. Needs that are open count in closed form, exact but
        for the length of visits; needs to come by means over needs drawn as the world draws them, and ``se`` is the
        standard error from that. Without `events`, what is clicked in a visit under way is not weighed: there, ``p`` of
        an item is up to a fifth too low. For ``level="session"`` the session is taken to go on for a visit's mean
        length and the gap. Rows with a null key or time have nulls. Users and items that the world does not have have
        no needs: 0.

        With `sessions`, futures of all the user does are drawn, from the state at T and as the world draws them, and
        their sessions counted; ``se`` is mostly the standard error from that, as far as the futures show it, and the
        same rows in any order have the same answers. A visit under way is taken to have its last click at or before T,
        but for its purchase, and another of what it buys is not waited for: ``p`` is some thousandths of it too low.

    Raises
    ------
    SchemaError
        A column is missing, has another dtype, or is already there.
    UnsupportedTargetError
        The level is unknown; or, with `sessions`, `gap` is shorter than a silence within a visit can be (16 minutes),
        `events` are missing, or `foresight` is False.
    ValueError
        `sessions` is below 1, or `futures` below 2.
    """
    _check(anchors, truth, events, level=level, sessions=sessions, gap=gap, futures=futures, foresight=foresight)
    rhythm = build_rhythm(dataset)
    shop = open_shop(simulate_catalog(dataset), dataset=dataset, rhythm=rhythm)
    prospects = look_ahead(simulate_users(dataset), shop, dataset=dataset, rhythm=rhythm)
    item_key = [ITEM_ID] if level == "user_item" else []
    rows = anchors.select(USER_ID, *item_key, PREDICTION_TIME).with_row_index(_ROW).drop_nulls()
    clock = since_start(rows[PREDICTION_TIME], rhythm)
    visits = VisitTimes.of(truth, rhythm)
    # A purchase ends a visit: to fall in time, the visit must begin a visit's length earlier.
    ahead = microseconds(gap) + visits.length if level == "session" else microseconds(horizon) - visits.length
    end = clock + max(ahead, 0)
    pairs = rows.with_columns(pl.Series(END, end)).drop(_ROW)
    known_user = rows[USER_ID].is_between(1, dataset.num_users).to_numpy()
    user = np.where(known_user, rows[USER_ID].to_numpy() - 1, 0)
    if sessions is None or events is None or level == "session":
        laws: dict[str, Any] = {"shop": shop, "rhythm": rhythm, "dataset": dataset}
        missed = chance_of_none(pairs, truth, visits, events=events, foresight=foresight, **laws)
        time_left = prospects.time_left(user, rhythm.activity_at(end) - rhythm.activity_at(clock))
        reach = Reach(1.0 - missed, np.zeros(len(missed)), time_left, np.zeros(time_left.shape))
    else:
        world = World(dataset, rhythm, shop, prospects.users)
        race = Race(sessions, microseconds(gap), futures, anything=level == "user", pace=prospects.pace)
        reach = reach_within(pairs, truth, visits, events, world=world, race=race)
    expected, error = (
        known_user * each
        for each in _purchases_to_come(rows, user, rhythm.week_at(clock), reach, prospects=prospects, shop=shop)
    )
    if sessions is not None and level == "user":
        # Both parts are of the first purchase of all, which is of the one or of the other.
        p, se = reach.known + expected, np.hypot(reach.error, error)
    else:
        none = np.exp(-expected)
        p, se = 1.0 - (1.0 - reach.known) * none, none * np.hypot(reach.error, (1.0 - reach.known) * error)
    result = rows.select(_ROW, pl.Series(P, np.clip(p, 0.0, 1.0)), pl.Series(SE, se))
    return anchors.with_row_index(_ROW).join(result, on=_ROW, how="left", maintain_order="left").drop(_ROW)


def _check(
    anchors: pl.DataFrame,
    truth: pl.DataFrame,
    events: pl.DataFrame | None,
    /,
    *,
    level: Level,
    sessions: int | None,
    gap: timedelta | str,
    futures: int,
    foresight: bool,
) -> None:
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
    if sessions is None or level == "session":
        return
    if not foresight:
        raise UnsupportedTargetError("the chance without foresight is not known for a number of sessions: ask for none")
    if events is None:
        raise UnsupportedTargetError("the next sessions are counted from the latest event before T: pass events")
    if min(sessions, futures - 1) < 1:
        raise ValueError(f"sessions must be 1 or more and futures 2 or more, found {sessions} and {futures}")
    if microseconds(gap) < LONGEST_SILENCE:
        raise UnsupportedTargetError(
            f"the chance of a purchase within a number of sessions is known where no visit is split among several, for "
            f"an inactivity threshold of {LONGEST_SILENCE // US_PER_MINUTE} minutes or more, found "
            f"{microseconds(gap) / US_PER_MINUTE:g}: ask with a longer one, or for no number of sessions"
        )


def _purchases_to_come(
    rows: pl.DataFrame, user: Ints, week: Ints, reach: Reach, /, *, prospects: Prospects, shop: Shop
) -> tuple[Floats, Floats]:
    """Return the expected number of purchases from needs yet to open, and its standard error."""
    expected, error = prospects.purchases(user, week, reach.time_left, shop)
    # The error of the time is the same for all categories, and all visits of a row are taken to share it.
    of_time, _ = prospects.purchases(user, week, reach.time_error, shop)
    if ITEM_ID not in rows.columns:
        return expected.sum(axis=1), np.hypot(np.sqrt((error**2).sum(axis=1)), of_time.sum(axis=1))
    found = shop.find(rows[ITEM_ID])
    item = np.maximum(found, 0)
    share = (found >= 0) * prospects.share(user, week, item, shop)
    at = np.arange(len(item)), shop.category[item]
    return share * expected[at], share * np.hypot(error[at], of_time[at])
