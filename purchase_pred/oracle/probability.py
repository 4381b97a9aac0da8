"""P(label | latent state at T) for any prediction point of a simulated world: an upper bound for models of its log."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, get_args

import numpy as np
import polars as pl

from purchase_pred.durations import microseconds
from purchase_pred.errors import SchemaError, UnsupportedTargetError
from purchase_pred.names import LEVELS
from purchase_pred.oracle.future_needs import sample_future_needs
from purchase_pred.oracle.latent_state import END, Abandonment, VisitTimes, no_purchase_probability, since_start
from purchase_pred.oracle.next_sessions import Estimate, estimate_within_sessions
from purchase_pred.oracle.session_counts import SessionTarget
from purchase_pred.oracle.world import build_world
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
from purchase_pred.simulation.clicks import LONGEST_DWELL, US_PER_SECOND
from purchase_pred.simulation.truth import TRUTH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.names import Level
    from purchase_pred.oracle.future_needs import FutureNeeds
    from purchase_pred.settings.simulator import DatasetSettings
    from purchase_pred.simulation.arrays import Floats, Ints


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
    rollouts: int = 400,
    abandonment: Abandonment = "known",
) -> pl.DataFrame:
    """Return P(label | latent state at T), where nothing that happens after T is known.

    The latent state at T is: each open need with its intent, pace and items; its visits before T, and whether one of
    them has put, or is going to put, something into the cart; that it was given up, once its last visit is over; the
    rates at which the user's needs open; the prices of the week of T. Averaged over is what comes after T: visits,
    carts, purchases, promotions of later weeks, future needs and gifts.

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
        The label: the user buys this item; buys anything; buys before the session that T falls into ends.
    gap
        The inactivity threshold of sessions. Used for ``level="session"`` and with `sessions` only.
    events
        The log (``event_id``, ``user_id``, ``timestamp``, ``event_type``, ``item_id``, in any order), for the clicks
        before T of visits that have begun and, with `sessions`, for the latest event before T.
    sessions
        The purchase must also fall within the user's next so many sessions after that of the latest event before T;
        the rest of a session in progress counts too. Not used for ``level="session"``, whose purchases always do.
    rollouts
        Used with `sessions` only: how many rollouts are drawn for each user and T with an open need that can end in a
        purchase that counts; a quarter as many are drawn for the others.
    abandonment
        "known": all of the above. "inferred": that a need was given up without a sign in the log is not part of the
        state; P(alive) is inferred from the time since its last visit instead. This is still an upper bound for every
        model that reads the log alone, and a lower one. Not with `sessions`.

    Returns
    -------
    pl.DataFrame
        The anchors, in their order, with ``p`` and ``se`` Float64. Open needs are computed in closed form, which
        ignores the time that visits take; future needs by means over sampled needs, and ``se`` is the standard error
        from that. Without `events` the clicks of a visit that has begun are not used, and ``p`` of an item is up to a
        fifth too low there. For ``level="session"`` the session is taken to go on for a visit's mean length and the
        gap. Rows with a null key or time have nulls. Unknown users and items have no needs: 0.

        With `sessions`, everything that the user does is drawn in rollouts from the state at T, and their sessions are
        counted; ``se`` is mostly the standard error from that, and the same rows in any order have the same answers.
        A visit that has begun is taken to have its last click at or before T, but for its purchase, and repeat needs
        that its purchase opens are left out: ``p`` is too low by some thousandths of itself.

    Raises
    ------
    SchemaError
        A column is missing, has another dtype, or is already there.
    UnsupportedTargetError
        The level is unknown; or, with `sessions`, `gap` is shorter than the longest time between two clicks of a visit
        (16 minutes), `events` are missing, or `abandonment` is "inferred".
    ValueError
        `sessions` is below 1, or `rollouts` below 2; or `abandonment` is neither "known" nor "inferred".
    """
    _check(anchors, truth, events, level=level, sessions=sessions, gap=gap, rollouts=rollouts, abandonment=abandonment)
    world = build_world(dataset)
    rhythm, future_needs = world.rhythm, sample_future_needs(world)
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
        missed = no_purchase_probability(pairs, truth, visits, events, world=world, abandonment=abandonment)
        exposure = future_needs.exposure(user, rhythm.activity_at(end) - rhythm.activity_at(clock))
        estimate = Estimate(1.0 - missed, np.zeros(len(missed)), exposure, np.zeros(exposure.shape))
    else:
        target = SessionTarget(sessions, microseconds(gap), rollouts, anything=level == "user", pace=future_needs.pace)
        estimate = estimate_within_sessions(pairs, truth, visits, events, world=world, target=target)
    expected, error = (
        known_user * each for each in _future_purchases(rows, user, rhythm.week_at(clock), estimate, future_needs)
    )
    if sessions is not None and level == "user":
        # Both parts count the first purchase of all, which is for an open need or for a future one.
        p, se = estimate.p_open + expected, np.hypot(estimate.p_error, error)
    else:
        none = np.exp(-expected)
        p = 1.0 - (1.0 - estimate.p_open) * none
        se = none * np.hypot(estimate.p_error, (1.0 - estimate.p_open) * error)
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
    rollouts: int,
    abandonment: Abandonment,
) -> None:
    if level not in LEVELS:
        raise UnsupportedTargetError(f"the level must be one of {', '.join(LEVELS)}, found {level!r}")
    if abandonment not in get_args(Abandonment):
        raise ValueError(f"abandonment must be one of {', '.join(get_args(Abandonment))}, found {abandonment!r}")
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
    if abandonment == "inferred":
        raise UnsupportedTargetError(
            'abandonment="inferred" is not available for a number of sessions: leave `sessions` out, or use "known"'
        )
    if events is None:
        raise UnsupportedTargetError("the next sessions are counted from the latest event before T: pass events")
    if min(sessions, rollouts - 1) < 1:
        raise ValueError(f"sessions must be 1 or more and rollouts 2 or more, found {sessions} and {rollouts}")
    if microseconds(gap) < LONGEST_SILENCE:
        raise UnsupportedTargetError(
            f"sessions can be counted only if no visit is split, with an inactivity threshold of "
            f"{LONGEST_SILENCE // US_PER_MINUTE} minutes or more, found {microseconds(gap) / US_PER_MINUTE:g}: "
            "use a longer one, or a target without a number of sessions"
        )


def _future_purchases(
    rows: pl.DataFrame, user: Ints, week: Ints, estimate: Estimate, future_needs: FutureNeeds
) -> tuple[Floats, Floats]:
    """Return the expected number of purchases from future needs, and its standard error."""
    expected, error = future_needs.purchases(user, week, estimate.exposure)
    # The error of the exposure is the same for all categories, and taken to be the same for all visits of a row.
    of_exposure, _ = future_needs.purchases(user, week, estimate.exposure_error)
    if ITEM_ID not in rows.columns:
        return expected.sum(axis=1), np.hypot(np.sqrt((error**2).sum(axis=1)), of_exposure.sum(axis=1))
    shop = future_needs.world.shop
    found = shop.find(rows[ITEM_ID])
    item = np.maximum(found, 0)
    share = (found >= 0) * future_needs.share(user, week, item)
    at = np.arange(len(item)), shop.category[item]
    return share * expected[at], share * np.hypot(error[at], of_exposure[at])
