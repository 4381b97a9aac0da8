"""How much attention the item got from the user, beside the other items of its category and session."""

from __future__ import annotations

import polars as pl

from purchase_pred.features.group import Derived, FeatureGroup, ratio
from purchase_pred.features.session_items import (
    DWELL_RANK,
    INTEREST_LEAD,
    INTEREST_RANK,
    INTEREST_SHARE,
    MEAN_INTEREST,
    RECENCY_RANK,
)
from purchase_pred.schema import DURATION, EVENT_TYPE, ITEM_ID, SESSION_INDEX, USER_ID, VIEW
from purchase_pred.windows import count, n_unique, total

_INTEREST = "interest: the user's views before T, in any session, each weighing 2^(-age / 3d), to the millionth"
_NOT_IN_SESSION = "null without an event on the item in the session before T"


def item_attention() -> FeatureGroup:
    """Declare dwell time on the item, the sessions it came up in, and its share of the views of its category."""
    viewed = pl.col(EVENT_TYPE) == VIEW
    return FeatureGroup(
        name="attention",
        by=(USER_ID, ITEM_ID),
        aggregates=(
            total("user_item_seconds", DURATION),
            total("user_item_seconds", DURATION, windows=["7d"]),
            n_unique("user_item_session_count", SESSION_INDEX, consecutive=True),
            count("user_item_view_count", where=viewed, windows=["7d"]),
            count("_item_views", where=viewed, windows=["30d"]),
        ),
        needs=("user_category_view_count_30d", "_all_views_30d"),
        derived=(
            Derived(
                name="user_item_share_of_category_30d",
                expression=ratio("_item_views_30d", "user_category_view_count_30d"),
                definition="the user's views of the item / of its category in [T - 30d, T)",
                unit="share",
                null_rule="null without a category or a view of it",
            ),
            Derived(
                name="user_item_share_of_views_30d",
                expression=ratio("_item_views_30d", "_all_views_30d"),
                definition="the user's views of the item / all the user's views in [T - 30d, T)",
                unit="share",
                null_rule="null without a view",
            ),
        ),
    )


def session_item_attention() -> FeatureGroup:
    """Declare views of, dwell time on and the ranks of the item within the anchor's session."""
    return FeatureGroup(
        name="attention",
        source="session_items",
        by=(USER_ID, SESSION_INDEX, ITEM_ID),
        aggregates=(
            count("session_item_view_count", where=pl.col(EVENT_TYPE) == VIEW),
            total("session_item_seconds", DURATION),
        ),
        derived=(
            *(
                Derived(
                    name=name,
                    expression=pl.col(name),
                    definition=f"rank of the item among those of the session before T by {what}; equal items share "
                    "the better rank",
                    unit="rank, 1 first",
                    null_rule=_NOT_IN_SESSION,
                )
                for name, what in (
                    (RECENCY_RANK, "latest event"),
                    (DWELL_RANK, "dwell time, longest first"),
                    (INTEREST_RANK, f"interest, greatest first ({_INTEREST})"),
                )
            ),
            Derived(
                name=INTEREST_LEAD,
                expression=pl.col(INTEREST_LEAD),
                definition="interest in the item less the greatest interest in another item of the session before T "
                f"({_INTEREST}); 0 for the other where there is none",
                unit="views",
                null_rule=_NOT_IN_SESSION,
            ),
            Derived(
                name=INTEREST_SHARE,
                expression=pl.col(INTEREST_SHARE),
                definition=f"interest in the item / that in all items of the session before T ({_INTEREST})",
                unit="share",
                null_rule=f"{_NOT_IN_SESSION}, and without interest",
            ),
            Derived(
                name=MEAN_INTEREST,
                expression=pl.col(MEAN_INTEREST),
                definition=f"mean interest in the items of the session before T ({_INTEREST})",
                unit="views",
                null_rule=_NOT_IN_SESSION,
            ),
        ),
    )
