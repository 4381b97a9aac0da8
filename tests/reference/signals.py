"""The features beyond the fixed dictionary: momentum, sequence, attention and smoothed conversion."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import fsum
from typing import TYPE_CHECKING

from reference.events import DAY, EVENT_TYPES, Anchor, Event, Identifier
from reference.features import (
    MONTH,
    WEEK,
    Row,
    World,
    base_price,
    category,
    complete_days,
    current_price,
    discount_pct,
    hours_since,
    known,
    of_type,
    on_item,
    ratio,
    within,
)
from reference.windows import mean, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TRANSITIONS = (
    ("view", "add_to_cart"),
    ("add_to_cart", "remove_from_cart"),
    ("add_to_cart", "purchase"),
    ("remove_from_cart", "view"),
)
PRIOR_VIEWS = 100
"""How many views of the wider group a conversion rate is smoothed with."""


def signals(anchor: Anchor, world: World) -> Row:
    """Return every column beyond the fixed dictionary for one anchor that has all keys."""
    history = known(anchor, world)
    return {
        **momentum(anchor, history, world),
        **sequence(anchor, history),
        **attention(anchor, history, world),
        **conversion(anchor, history, world),
    }


def momentum(anchor: Anchor, history: Sequence[Event], world: World) -> Row:
    week, month = within(anchor, history, world, WEEK), within(anchor, history, world, MONTH)
    pair_views = of_type(on_item(anchor, history), "view")
    pair_carts = of_type(on_item(anchor, history), "add_to_cart")
    row = {
        "hours_since_5th_last_event": hours_since(anchor, history[:-4]),
        "hours_since_20th_last_event": hours_since(anchor, history[:-19]),
        "view_decayed_1d": decayed(anchor, of_type(history, "view"), DAY),
        "view_decayed_7d": decayed(anchor, of_type(history, "view"), WEEK),
        "add_to_cart_decayed_7d": decayed(anchor, of_type(history, "add_to_cart"), WEEK),
        "purchase_decayed_30d": decayed(anchor, of_type(history, "purchase"), MONTH),
        "purchase_gap_ratio": purchase_gap_ratio(anchor, of_type(history, "purchase")),
        "hours_since_first_user_item_view": hours_since(anchor, pair_views[:1]),
        "hours_since_2nd_last_user_item_view": hours_since(anchor, pair_views[:-1]),
        "user_item_view_decayed_1d": decayed(anchor, pair_views, DAY),
        "user_item_view_decayed_7d": decayed(anchor, pair_views, WEEK),
        "user_item_add_to_cart_decayed_3d": decayed(anchor, pair_carts, 3 * DAY),
    }
    for kind in ("view", "add_to_cart", "purchase"):
        row[f"{kind}_trend_7d_30d"] = per_day_of_week(len(of_type(week, kind)), len(of_type(month, kind)))
    return row


def sequence(anchor: Anchor, history: Sequence[Event]) -> Row:
    """Return what followed what in the session, and its last actions as digits of base 6, the latest the lowest."""
    actions = [event.event_type for event in history if event.session_index == anchor.session_index]
    pairs = list(itertools.pairwise(actions))
    row = {f"session_{first}_then_{then}_count": pairs.count((first, then)) for first, then in TRANSITIONS}
    for number, name in ((1, "session_last_action"), (2, "session_last_2_actions"), (3, "session_last_3_actions")):
        digits = [1 + EVENT_TYPES.index(action) for action in reversed(actions[-number:])]
        row[name] = sum(digit * 6**place for place, digit in enumerate(digits)) if actions else None
    return row


def attention(anchor: Anchor, history: Sequence[Event], world: World) -> Row:
    pair = on_item(anchor, history)
    session = [event for event in history if event.session_index == anchor.session_index]
    in_session = on_item(anchor, session)
    of_items = {event.item_id: on_item(anchor._replace(item_id=event.item_id), session) for event in session}
    views = of_type(within(anchor, history, world, MONTH), "view")
    wanted = category(anchor.item_id, world)
    alike = [event for event in views if wanted is not None and category(event.item_id, world) == wanted]
    return {
        "user_item_seconds": seconds(pair),
        "user_item_seconds_7d": seconds(within(anchor, pair, world, WEEK)),
        "user_item_session_count": len({event.session_index for event in pair}),
        "user_item_view_count_7d": len(of_type(within(anchor, pair, world, WEEK), "view")),
        "user_item_share_of_category_30d": ratio(len(on_item(anchor, views)), len(alike)) if alike else None,
        "user_item_share_of_views_30d": ratio(len(on_item(anchor, views)), len(views)),
        "session_item_view_count": len(of_type(in_session, "view")),
        "session_item_seconds": seconds(in_session),
        "session_item_recency_rank": rank(anchor, {item: of[-1].timestamp for item, of in of_items.items()}),
        "session_item_dwell_rank": rank(anchor, {item: seconds(of) for item, of in of_items.items()}),
        **interest(anchor, history, of_items),
    }


def interest(anchor: Anchor, history: Sequence[Event], items: Iterable[Identifier]) -> Row:
    """Compare the decayed views of the session's items, in whole millionths."""
    views = {item: of_type(on_item(anchor._replace(item_id=item), history), "view") for item in items}
    sizes = {item: round(1e6 * decayed(anchor, of_item, 3 * DAY)) for item, of_item in views.items()}
    own, others = sizes.get(anchor.item_id), [size for item, size in sizes.items() if item != anchor.item_id]
    return {
        "session_item_interest_rank": rank(anchor, sizes),
        "session_item_interest_lead": None if own is None else (own - max(others, default=0)) / 1_000_000,
        "session_item_interest_share": None if own is None else ratio(own, sum(sizes.values())),
        "session_mean_item_interest": None if own is None else ratio(sum(sizes.values()), 1_000_000 * len(sizes)),
    }


def conversion(anchor: Anchor, history: Sequence[Event], world: World) -> Row:
    """Return rates over all users in complete days, the item's drawn to its category's, that to the shop's."""
    wanted = category(anchor.item_id, world)
    month = complete_days(anchor, world, MONTH)
    alike = [event for event in month if wanted is not None and category(event.item_id, world) == wanted]
    of_item = [event for event in month if event.item_id == anchor.item_id]
    week_of_item = [event for event in complete_days(anchor, world, WEEK) if event.item_id == anchor.item_id]
    shop_rate = ratio(len(of_type(month, "purchase")), len(of_type(month, "view")))
    category_rate = smoothed(alike, shop_rate)
    current, base = current_price(anchor, history, world), base_price(anchor.item_id, world)
    seen = [discount_pct(event.price, base) for event in on_item(anchor, history)]
    mean_seen = mean([discount for discount in seen if discount is not None])
    discount = discount_pct(current, base)
    category_price = mean([event.price for event in of_type(alike, "view") if event.price is not None])
    return {
        "category_conversion_smoothed_30d": category_rate,
        "item_conversion_smoothed_30d": smoothed(of_item, category_rate),
        "item_price_to_category_mean_30d": ratio(current, category_price),
        "item_view_trend_7d_30d": per_day_of_week(len(of_type(week_of_item, "view")), len(of_type(of_item, "view"))),
        "item_discount_less_seen": None if None in (discount, mean_seen) else discount - mean_seen,
    }


def decayed(anchor: Anchor, events: Sequence[Event], half_life: int) -> float:
    return fsum(2.0 ** -((anchor.prediction_time - event.timestamp) / half_life) for event in events)


def per_day_of_week(in_week: int, in_month: int) -> float | None:
    """Return events per day in the last 7 days over events per day in the last 30."""
    return ratio(Fraction(in_week, 7), Fraction(in_month, 30))


def purchase_gap_ratio(anchor: Anchor, purchases: Sequence[Event]) -> float | None:
    """Return the time since the last purchase over the mean time between purchases so far."""
    if not purchases or purchases[0].timestamp == purchases[-1].timestamp:
        return None
    span = purchases[-1].timestamp - purchases[0].timestamp
    return ratio(anchor.prediction_time - purchases[-1].timestamp, Fraction(span, len(purchases) - 1))


def rank(anchor: Anchor, sizes: Mapping[Identifier, float]) -> int | None:
    """Return the place of the anchor's item among all, the greatest first; equal items share the better place."""
    if anchor.item_id not in sizes:
        return None
    return 1 + len([size for size in sizes.values() if size > sizes[anchor.item_id]])


def seconds(events: Sequence[Event]) -> float:
    return total([event.duration_seconds for event in events if event.duration_seconds is not None])


def smoothed(events: Sequence[Event], prior: float | None) -> float | None:
    """Return purchases over views as if `PRIOR_VIEWS` more views had converted at the prior rate."""
    if prior is None:
        return None
    purchases, views = len(of_type(events, "purchase")), len(of_type(events, "view"))
    return (purchases + PRIOR_VIEWS * prior) / (views + PRIOR_VIEWS)
