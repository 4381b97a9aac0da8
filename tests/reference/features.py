"""The feature dictionary, one function per group: the definition of each column, read off the events one by one."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from reference.events import DAY, EVENT_TYPES, HOUR, MINUTE, Anchor, CatalogItem, Event, Identifier, in_order
from reference.windows import mean, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WEEK, MONTH = 7 * DAY, 30 * DAY
AFFINITY_AGES = ("view", "add_to_cart", "purchase")
CART_EVENTS = ("add_to_cart", "remove_from_cart", "purchase")
ITEM_COUNTS = ("view", "add_to_cart", "purchase")
CROSS_USER = (
    *(f"item_{event_type}_count_{window}" for event_type in ITEM_COUNTS for window in ("7d", "30d")),
    "item_conversion_rate_30d",
    "category_conversion_rate_30d",
    "item_conversion_smoothed_30d",
    "category_conversion_smoothed_30d",
    "item_price_to_category_mean_30d",
    "item_view_trend_7d_30d",
)
"""Columns that look at the events of all users."""

Value = int | float | str | None
Row = dict[str, Value]


class World(NamedTuple):
    """All there is to know: the log, the catalog, when users registered, and the settings."""

    events: Sequence[Event]
    catalog: Mapping[Identifier, CatalogItem]
    registered: Mapping[Identifier, int]
    windows: Mapping[str, int]
    lag: int = 0


def features(anchor: Anchor, world: World) -> Row:
    """Return every column of the dictionary for one anchor that has all keys."""
    history = known(anchor, world)
    return {
        **recency(anchor, history, world),
        **frequency(anchor, history, world),
        **intent(anchor, history, world),
        **price(anchor, history, world),
        **session_context(anchor, history, world),
        **affinity(anchor, history, world),
        **item(anchor, history, world),
        **calendar(anchor),
    }


def known(anchor: Anchor, world: World) -> list[Event]:
    """Return the user's events with timestamp + lag < T, in order."""
    if anchor.prediction_time is None or anchor.user_id is None:
        return []
    return in_order(
        event
        for event in world.events
        if event.user_id == anchor.user_id and event.timestamp + world.lag < anchor.prediction_time
    )


def within(anchor: Anchor, history: Sequence[Event], world: World, window: int) -> list[Event]:
    """Return the known events of [T - lag - window, T - lag)."""
    return [event for event in history if event.timestamp >= anchor.prediction_time - world.lag - window]


def recency(anchor: Anchor, history: Sequence[Event], world: World) -> Row:
    registered = world.registered.get(anchor.user_id)
    row = {f"hours_since_last_{kind}": hours_since(anchor, of_type(history, kind)) for kind in EVENT_TYPES}
    row["days_since_registration"] = age_in_days(anchor, registered)
    return row


def frequency(anchor: Anchor, history: Sequence[Event], world: World) -> Row:
    row = {}
    for name, window in world.windows.items():
        events = within(anchor, history, world, window)
        views = of_type(events, "view")
        row |= {f"{kind}_count_{name}": len(of_type(events, kind)) for kind in EVENT_TYPES}
        row[f"unique_items_viewed_{name}"] = len(distinct(event.item_id for event in views))
        row[f"unique_categories_viewed_{name}"] = len(distinct(category(event.item_id, world) for event in views))
        row[f"session_count_{name}"] = len({event.session_index for event in events})
    return row


def intent(anchor: Anchor, history: Sequence[Event], world: World) -> Row:
    week, month = within(anchor, history, world, WEEK), within(anchor, history, world, MONTH)
    sessions = {event.session_index for event in month}
    bounced = [s for s in sessions if len([event for event in history if event.session_index == s]) == 1]
    seconds = total([event.duration_seconds for event in week if event.duration_seconds is not None])
    viewed = distinct(event.item_id for event in of_type(week, "view"))
    return {
        "view_to_scroll_ratio_7d": ratio(len(of_type(week, "scroll")), len(of_type(week, "view"))),
        "scroll_to_cart_ratio_7d": ratio(len(of_type(week, "add_to_cart")), len(of_type(week, "scroll"))),
        "cart_to_purchase_ratio_30d": ratio(len(of_type(month, "purchase")), len(of_type(month, "add_to_cart"))),
        "bounce_rate_30d": ratio(len(bounced), len(sessions)),
        "seconds_per_item_7d": ratio(seconds, len(viewed)),
    }


def price(anchor: Anchor, history: Sequence[Event], world: World) -> Row:
    month = within(anchor, history, world, MONTH)
    mean_viewed = mean(prices(of_type(month, "view")))
    discounts = [discount_pct(event.price, base_price(event.item_id, world)) for event in of_type(month, "view")]
    return {
        "mean_price_viewed_30d": mean_viewed,
        "mean_price_purchased_30d": mean(prices(of_type(month, "purchase"))),
        "item_price_to_mean_viewed_30d": ratio(current_price(anchor, history, world), mean_viewed),
        "mean_discount_viewed_30d": mean([discount for discount in discounts if discount is not None]),
    }


def session_context(anchor: Anchor, history: Sequence[Event], world: World) -> Row:
    session = [event for event in history if event.session_index == anchor.session_index]
    row = {
        "session_minutes": (ratio(session[-1].timestamp - session[0].timestamp, MINUTE) if session else None),
        "session_events": len(session),
        "session_unique_items": len(distinct(event.item_id for event in session)),
        "session_unique_categories": len(distinct(category(event.item_id, world) for event in session)),
        "session_mean_price": mean(prices(session)),
    }
    row |= {f"session_{kind}_count": len(of_type(session, kind)) for kind in EVENT_TYPES}
    return row


def affinity(anchor: Anchor, history: Sequence[Event], world: World) -> Row:
    pair = on_item(anchor, history)
    cart = [event for event in pair if event.event_type in CART_EVENTS]
    views = of_type(within(anchor, history, world, MONTH), "view")
    wanted = category(anchor.item_id, world)
    alike = [event for event in views if wanted is not None and category(event.item_id, world) == wanted]
    row = {f"user_item_{kind}_count": len(of_type(pair, kind)) for kind in EVENT_TYPES}
    row |= {f"hours_since_user_item_{kind}": hours_since(anchor, of_type(pair, kind)) for kind in AFFINITY_AGES}
    row["user_item_in_cart"] = int(bool(cart) and cart[-1].event_type == "add_to_cart")
    row["user_category_view_count_30d"] = len(alike)
    row["user_category_view_share_30d"] = ratio(len(alike), len(views))
    return row


def item(anchor: Anchor, history: Sequence[Event], world: World) -> Row:
    found = world.catalog.get(anchor.item_id)
    wanted = category(anchor.item_id, world)
    current, base = current_price(anchor, history, world), base_price(anchor.item_id, world)
    discount = discount_pct(current, base)
    month = complete_days(anchor, world, MONTH)
    of_item = [event for event in month if event.item_id == anchor.item_id]
    of_category = [event for event in month if wanted is not None and category(event.item_id, world) == wanted]
    row = {
        "item_category": wanted,
        "item_base_price": base,
        "item_current_price": current,
        "item_discount_pct": discount,
        "item_has_discount": None if discount is None else int(discount > 0),
        "item_age_days": age_in_days(anchor, found.created_at if found else None),
        "item_conversion_rate_30d": ratio(len(of_type(of_item, "purchase")), len(of_type(of_item, "view"))),
        "category_conversion_rate_30d": ratio(len(of_type(of_category, "purchase")), len(of_type(of_category, "view"))),
    }
    for name, window in (("7d", WEEK), ("30d", MONTH)):
        events = [event for event in complete_days(anchor, world, window) if event.item_id == anchor.item_id]
        row |= {f"item_{kind}_count_{name}": len(of_type(events, kind)) for kind in ITEM_COUNTS}
    return row


def calendar(anchor: Anchor) -> Row:
    if anchor.prediction_time is None:
        return {"prediction_hour": None, "prediction_weekday": None}
    return {
        "prediction_hour": anchor.prediction_time // HOUR % 24,
        "prediction_weekday": (anchor.prediction_time // DAY + 3) % 7 + 1,  # 1970-01-01 was a Thursday, day 4
    }


def complete_days(anchor: Anchor, world: World, window: int) -> list[Event]:
    """Return all users' events of [D - window, D), D being the last midnight at or before T - lag."""
    if anchor.prediction_time is None:
        return []
    midnight = (anchor.prediction_time - world.lag) // DAY * DAY
    return [
        event for event in world.events if event.item_id is not None and midnight - window <= event.timestamp < midnight
    ]


def current_price(anchor: Anchor, history: Sequence[Event], world: World) -> float | None:
    """Return the price last shown to the user on the item, else the catalog's."""
    shown = prices(on_item(anchor, history))
    found = world.catalog.get(anchor.item_id)
    return shown[-1] if shown else found.current_price if found else None


def discount_pct(current: float | None, base: float | None) -> float | None:
    """Return by how many percent the price shown is below the base price, never below 0."""
    if current is None or base is None or base <= 0:
        return None
    return float(max(Fraction(0), 100 * (1 - Fraction(current) / Fraction(base))))


def on_item(anchor: Anchor, history: Sequence[Event]) -> list[Event]:
    return [event for event in history if anchor.item_id is not None and event.item_id == anchor.item_id]


def of_type(events: Sequence[Event], event_type: str) -> list[Event]:
    return [event for event in events if event.event_type == event_type]


def prices(events: Sequence[Event]) -> list[float]:
    return [event.price for event in events if event.price is not None]


def distinct(values: Iterable[Value]) -> set[Value]:
    return {value for value in values if value is not None}


def category(item_id: Identifier | None, world: World) -> str | None:
    found = world.catalog.get(item_id)
    return found.category if found else None


def base_price(item_id: Identifier | None, world: World) -> float | None:
    found = world.catalog.get(item_id)
    return found.base_price if found else None


def hours_since(anchor: Anchor, events: Sequence[Event]) -> float | None:
    return float(Fraction(anchor.prediction_time - events[-1].timestamp, HOUR)) if events else None


def age_in_days(anchor: Anchor, since: int | None) -> float | None:
    """Return the days from `since` to T; None when T is earlier."""
    if anchor.prediction_time is None or since is None or anchor.prediction_time < since:
        return None
    return float(Fraction(anchor.prediction_time - since, DAY))


def ratio(numerator: float | None, denominator: float | None) -> float | None:
    """Return the quotient; None when a part is missing or the divisor is 0."""
    if numerator is None or denominator is None or denominator == 0:
        return None
    return float(Fraction(numerator) / Fraction(denominator))
