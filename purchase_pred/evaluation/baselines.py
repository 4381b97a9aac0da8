"""Baselines that need no learner: rules that any shop could run today."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

RECENCY: Final = "recency"
MOST_VIEWED: Final = "most_viewed"
LONGEST_SILENCE: Final = "longest_silence"
_WITHIN: Final = ("session_item_view_count", "session_view_count")
_RECENCY: Final = (
    "hours_since_user_item_view",
    "hours_since_last_view",
    "hours_since_user_item_purchase",
    "hours_since_last_purchase",
)
_IN_CART: Final = "user_item_in_cart"
_CART_RULE: Final = re.compile(r"(user_item_|session_)?(add_to_cart|purchase)_count(_\w+)?")


def attention_rule(features: pl.DataFrame, /, *, target: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """Return the rule of attention that is fair to a target, `recency` in `metrics.json`.

    Within a session somebody has just viewed something at every point, so the latest view tells nothing; there it is
    `most_viewed_in_session`. Elsewhere it is `most_recent_view`, of kind churn its opposite: who has been away longest
    stays away. None when the frame lacks its columns.
    """
    name = attention_name(target)
    if name == MOST_VIEWED:
        return most_viewed_in_session(features)
    recency = most_recent_view(features)
    return -recency if name == LONGEST_SILENCE and recency is not None else recency


def cart_rule(features: pl.DataFrame, /, *, target: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """Return `carted_not_bought`, and None of kind churn, about which a cart says nothing."""
    return None if is_churn(target) else carted_not_bought(features)


def attention_name(target: Mapping[str, Any], /) -> str:
    """Return what the rule of attention is called in tables.

    Examples
    --------
    >>> [attention_name({"anchors": anchors}) for anchors in ("session_close", "in_session")]
    ['recency', 'most_viewed']
    >>> attention_name({"kind": "churn", "anchors": "calendar"})
    'longest_silence'
    """
    if is_churn(target):
        return LONGEST_SILENCE
    return MOST_VIEWED if target["anchors"] == "in_session" else RECENCY


def is_churn(target: Mapping[str, Any], /) -> bool:
    """Tell whether a target, as a model describes it, is that users stay away."""
    return bool(target.get("kind") == "churn")


def most_viewed_in_session(features: pl.DataFrame, /) -> NDArray[np.float64] | None:
    """Return the views of the session under way: of the item, else of anything; None when the frame tells neither.

    Examples
    --------
    >>> most_viewed_in_session(pl.DataFrame({"session_view_count": [3, None]})).tolist()
    [3.0, 0.0]
    """
    for name in _WITHIN:
        if name in features.columns:
            return _numbers(features, pl.col(name))
    return None


def carted_not_bought(features: pl.DataFrame, /) -> NDArray[np.float64] | None:
    """Return 1.0 for a row whose item lies in the cart, else 0.0.

    The rule reads the most specific columns there are: `user_item_in_cart`; else whether there were more adds to
    the cart than purchases of the pair, of the session, or of the user in the longest window. None without any of them.

    Examples
    --------
    >>> carted_not_bought(pl.DataFrame({"user_item_in_cart": [1, 0]})).tolist()
    [1.0, 0.0]
    """
    if _IN_CART in features.columns:
        return _numbers(features, pl.col(_IN_CART))
    for prefix, suffix in (("user_item_", ""), ("session_", ""), *_windows(features)):
        carts, purchases = (f"{prefix}{event}_count{suffix}" for event in ("add_to_cart", "purchase"))
        if {carts, purchases} <= set(features.columns):
            return _numbers(features, pl.col(carts) > pl.col(purchases))
    return None


def most_recent_view(features: pl.DataFrame, /) -> NDArray[np.float64] | None:
    """Return minus the hours since the latest view: of the item by the user, else of anything.

    A row without a view ranks last (-inf). In a log without views the latest purchase takes their place. None when
    the frame says nothing of either.

    Examples
    --------
    >>> most_recent_view(pl.DataFrame({"hours_since_last_view": [2.0, None]})).tolist()
    [-2.0, -inf]
    """
    for name in _RECENCY:
        if name in features.columns and features[name].null_count() < features.height:
            return (-features[name].cast(pl.Float64)).fill_null(-float("inf")).to_numpy()
    return None


def rule_columns(names: Sequence[str], /) -> list[str]:
    """Return which of these columns the rules read: of carts nothing else where one tells whether the item is in it.

    Examples
    --------
    >>> rule_columns(["user_item_in_cart", "view_count_7d", "add_to_cart_count_7d", "hours_since_last_view"])
    ['user_item_in_cart', 'hours_since_last_view']
    >>> rule_columns(["view_count_7d", "add_to_cart_count_7d", "purchase_count_7d"])
    ['add_to_cart_count_7d', 'purchase_count_7d']
    """
    carts = {_IN_CART} if _IN_CART in names else {name for name in names if _CART_RULE.fullmatch(name)}
    read = {*_RECENCY, *_WITHIN, *carts}
    return [name for name in names if name in read]


def _windows(features: pl.DataFrame) -> list[tuple[str, str]]:
    """Return the suffixes of the windows of `add_to_cart_count`, the longest first."""
    prefix = "add_to_cart_count_"
    windows = [name.removeprefix(prefix) for name in features.columns if name.startswith(prefix)]
    return [("", f"_{window}") for window in sorted(windows, key=parse_duration, reverse=True)]


def _numbers(features: pl.DataFrame, rule: pl.Expr) -> NDArray[np.float64]:
    return features.select(rule.cast(pl.Float64).fill_null(0.0).alias("score"))["score"].to_numpy()
