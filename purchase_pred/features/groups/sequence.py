"""In which order things happened in the session: transitions between actions, and the last few actions."""

from __future__ import annotations

import polars as pl

from purchase_pred.features.group import Derived, FeatureGroup
from purchase_pred.features.sources import LAST_ACTIONS, PREVIOUS_TYPE
from purchase_pred.schema import ADD_TO_CART, EVENT_TYPE, PURCHASE, REMOVE_FROM_CART, SESSION_INDEX, USER_ID, VIEW
from purchase_pred.windows import count, last

_TRANSITIONS = ((VIEW, ADD_TO_CART), (ADD_TO_CART, REMOVE_FROM_CART), (ADD_TO_CART, PURCHASE), (REMOVE_FROM_CART, VIEW))


def sequence() -> FeatureGroup:
    """Declare counts of transitions between neighbouring actions of the session, and its last three actions."""
    return FeatureGroup(
        name="sequence",
        by=(USER_ID, SESSION_INDEX),
        aggregates=(
            *(
                count(
                    f"session_{before}_then_{after}_count",
                    where=(pl.col(PREVIOUS_TYPE) == before) & (pl.col(EVENT_TYPE) == after),
                )
                for before, after in _TRANSITIONS
            ),
            last("_last_actions", LAST_ACTIONS),
        ),
        derived=tuple(
            Derived(
                name=name,
                expression=pl.col("_last_actions") % 6**length,
                definition=f"the last {length} actions of the session as a number of base 6, the latest in the lowest "
                "digit: 0 none, 1 view, 2 scroll, 3 add_to_cart, 4 remove_from_cart, 5 purchase",
                unit="code",
                null_rule="null before the session's first event is known",
            )
            for name, length in (
                ("session_last_action", 1),
                ("session_last_2_actions", 2),
                ("session_last_3_actions", 3),
            )
        ),
    )
