"""Feature functions with planted leaks, and correct ones beside them, all on (anchors, events) of the shop."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

import purchase_pred as pp

if TYPE_CHECKING:
    from collections.abc import Callable

    FeatureFunction = Callable[[pl.LazyFrame, pl.LazyFrame], pl.LazyFrame]

T = pl.col("prediction_time")
TIME = pl.col("timestamp")
KIND = pl.col("event_type")
USER_ITEM = ["user_id", "item_id"]


class Planted(NamedTuple):
    """A function that leaks, the columns that must be named, and those that may depend on other users' past."""

    function: FeatureFunction
    columns: tuple[str, ...]
    cross_user: tuple[str, ...] = ()


def over_pairs(
    anchors: pl.LazyFrame,
    events: pl.LazyFrame,
    *values: pl.Expr,
    seen: pl.Expr,
    by: list[str] | None = None,
) -> pl.LazyFrame:
    """Aggregate, for each anchor, the events of its entity for which `seen` holds: plain, slow, in no clever way."""
    by = ["user_id"] if by is None else by
    rows = anchors.with_row_index("row")
    theirs = events.rename({name: f"event_{name}" for name in {"item_id", "user_id"} - set(by)}, strict=False)
    pairs = rows.join(theirs, on=by, suffix="_of_event") if by else rows.join(theirs, how="cross", suffix="_of_event")
    answers = pairs.filter(seen).sort("row", "timestamp", "event_id").group_by("row", maintain_order=True).agg(values)
    return rows.join(answers, on="row", how="left", maintain_order="left").drop("row")


# Planted leaks


def event_at_t(anchors, events):
    """Count the event at T itself: <= where < belongs."""
    return over_pairs(anchors, events, pl.len().alias("views"), seen=(TIME <= T) & (KIND == "view"))


def session_totals(anchors, events):
    """Take the whole session's totals while the session is still going on."""
    totals = events.group_by("user_id", "session_index").agg(
        session_events=pl.len(), session_minutes=(TIME.max() - TIME.min()).dt.total_minutes()
    )
    return anchors.join(totals, on=["user_id", "session_index"], how="left", maintain_order="left")


def whole_log(anchors, events):
    """Average each user's prices over the whole log, then look the future of each anchor up in it."""
    means = events.sort("event_id").group_by("user_id").agg(mean_price=pl.col("price").mean())
    return anchors.join(means, on="user_id", how="left", maintain_order="left")


def next_event(anchors, events):
    """Measure how soon the user comes back."""
    wait = (TIME.min() - T.first()).dt.total_microseconds().alias("hours_to_next")
    return over_pairs(anchors, events, wait / 3.6e9, seen=TIME >= T)


def late_rows(anchors, events):
    """Forget that events become known only after the availability lag."""
    return over_pairs(anchors, events, pl.len().alias("seen"), seen=TIME < T)


def label_in_features(anchors, events):
    """Let the answer in under another name, scaled so that nobody recognises it."""
    known = over_pairs(anchors, events, pl.len().alias("seen"), seen=TIME < T)
    return known.with_columns(affinity=0.3 + 0.4 * pl.col("label"))


def label_from_events(anchors, events):
    """Count the purchases that the label is about."""
    bought = (KIND == "purchase") & TIME.is_between(T, T + pl.duration(days=7), closed="left")
    return over_pairs(anchors, events, pl.len().alias("intent_score"), seen=bought, by=USER_ITEM)


def row_order(anchors, events):
    """Trust that the last row of a user is the latest."""
    rows = anchors.with_row_index("row")
    latest = rows.join(events, on="user_id", suffix="_of_event", maintain_order="left_right").filter(TIME < T)
    answers = latest.group_by("row", maintain_order=True).agg(last_price=pl.col("price").last())
    return rows.join(answers, on="row", how="left", maintain_order="left").drop("row")


def tie_order(anchors, events):
    """Order by time alone, so that rows decide about ties."""
    rows = anchors.with_row_index("row")
    ordered = events.sort("timestamp", maintain_order=True)
    latest = rows.join(ordered, on="user_id", suffix="_of_event", maintain_order="left_right").filter(TIME < T)
    answers = latest.group_by("row", maintain_order=True).agg(last_item=pl.col("item_id_of_event").last())
    return rows.join(answers, on="row", how="left", maintain_order="left").drop("row")


def global_scaling(anchors, events):
    """Scale by the mean and spread over all rows, those of the future among them."""
    known = over_pairs(anchors, events, pl.len().alias("seen"), seen=TIME < T)
    seen = pl.col("seen").fill_null(0)
    return known.with_columns(seen_scaled=(seen - seen.mean()) / seen.std())


def post_purchase(anchors, events):
    """Use what only happens after a purchase: its item never shows up again."""
    after = (KIND != "purchase") & (TIME > T)
    return over_pairs(anchors, events, pl.len().alias("later_interest"), seen=after, by=USER_ITEM)


def target_encoding(anchors, events):
    """Encode the item by how often it is bought, over everything."""
    rates = events.group_by("item_id").agg(item_rate=(KIND == "purchase").mean())
    return anchors.join(rates, on="item_id", how="left", maintain_order="left")


def label_encoding(anchors, events):
    """Encode the item by the mean label of all rows, the row's own among them."""
    del events
    return anchors.with_columns(item_label_rate=pl.col("label").mean().over("item_id"))


def unsorted_running_total(anchors, events):
    """Sum up along the rows as they come, then look the sum up by time."""
    running = events.with_columns(events_so_far=pl.int_range(1, pl.len() + 1).over("user_id")).sort("timestamp")
    rows = anchors.with_row_index("row").sort("prediction_time")
    found = rows.join_asof(
        running.select("user_id", "timestamp", "events_so_far"),
        left_on="prediction_time",
        right_on="timestamp",
        by="user_id",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    return found.sort("row").select(*anchors.collect_schema(), "events_so_far")


def own_day_total(anchors, events):
    """Count what all users do with the item on the very day of T, to its end."""
    days = events.group_by("item_id", day=TIME.dt.truncate("1d")).agg(item_views_today=(KIND == "view").sum())
    asked = anchors.with_columns(day=T.dt.truncate("1d"))
    return asked.join(days, on=["item_id", "day"], how="left", maintain_order="left").drop("day")


def last_known_catalog(anchors, events):
    """Take the item's price from a catalog that holds what was last known."""
    catalog = events.sort("timestamp", "event_id").group_by("item_id").agg(item_price=pl.col("price").last())
    return anchors.join(catalog, on="item_id", how="left", maintain_order="left")


def backward_fill(anchors, events):
    """Fill missing values from below: from the next row of the user, which is a later one."""
    known = over_pairs(anchors, events, pl.col("price").last().alias("last_price"), seen=TIME < T)
    filled = pl.col("last_price").backward_fill().over("user_id", order_by="prediction_time")
    return known.with_columns(filled.alias("last_price"))


def centred_window(anchors, events):
    """Smooth with a window that reaches as far behind T as before it."""
    near = (TIME - T).abs() < pl.duration(days=2)
    return over_pairs(anchors, events, pl.len().alias("activity"), seen=near)


def rival_users(anchors, events):
    """Look at all users without saying so."""
    return over_pairs(anchors, events, pl.len().alias("shop_events"), seen=TIME < T, by=[])


def nearest_event(anchors, events):
    """Join the nearest event instead of the last one before T."""
    rows = anchors.with_row_index("row").sort("prediction_time")
    found = rows.join_asof(
        events.sort("timestamp", "event_id").select("user_id", "timestamp", nearest_item="item_id"),
        left_on="prediction_time",
        right_on="timestamp",
        by="user_id",
        strategy="nearest",
        check_sortedness=False,
    )
    return found.sort("row").select(*anchors.collect_schema(), "nearest_item")


def later_rows(anchors, events):
    """Number the user's prediction points backwards, which tells how many are still to come."""
    del events
    return anchors.with_columns(points_to_come=T.rank("dense", descending=True).over("user_id"))


def users_with_events(anchors, events):
    """Lose the anchors of users without events: which rows there are depends on the future."""
    found = anchors.with_row_index("row").join(events.select("user_id").unique(), on="user_id", how="semi")
    return found.sort("row").drop("row").with_columns(one=1)


PLANTED: dict[str, Planted] = {
    "event at T counted": Planted(event_at_t, ("views",)),
    "session totals from the future": Planted(session_totals, ("session_events", "session_minutes")),
    "statistics over the whole log": Planted(whole_log, ("mean_price",)),
    "next event's time": Planted(next_event, ("hours_to_next",)),
    "label in features": Planted(label_in_features, ("affinity",)),
    "label counted from events": Planted(label_from_events, ("intent_score",)),
    "order of rows": Planted(row_order, ("last_price",)),
    "order of ties": Planted(tie_order, ("last_item",)),
    "global scaling": Planted(global_scaling, ("seen_scaled",)),
    "post-purchase events": Planted(post_purchase, ("later_interest",)),
    "target encoding over everything": Planted(target_encoding, ("item_rate",), cross_user=("item_rate",)),
    "target encoding by labels": Planted(label_encoding, ("item_label_rate",), cross_user=("item_label_rate",)),
    "running total of unsorted rows": Planted(unsorted_running_total, ("events_so_far",)),
    "totals of T's own day": Planted(own_day_total, ("item_views_today",), cross_user=("item_views_today",)),
    "catalog as last known": Planted(last_known_catalog, ("item_price",), cross_user=("item_price",)),
    "backward fill": Planted(backward_fill, ("last_price",)),
    "centred window": Planted(centred_window, ("activity",)),
    "other users unannounced": Planted(rival_users, ("shop_events",)),
    "nearest event": Planted(nearest_event, ("nearest_item",)),
    "prediction points to come": Planted(later_rows, ("points_to_come",)),
    "rows that have a future": Planted(users_with_events, ("(rows)",)),
}


# Correct functions


def plain_counts(anchors, events):
    """Count and remember strictly before T, ties in order of event_id."""
    week = TIME.is_between(T - pl.duration(days=7), T, closed="left")
    counted = over_pairs(anchors, events, pl.len().alias("events_7d"), seen=week)
    return over_pairs(counted, events, pl.col("event_item_id").last().alias("last_item"), seen=TIME < T)


def complete_days(anchors, events):
    """Count what all users did with the item on complete days before T."""
    known = TIME.dt.truncate("1d") < T.dt.truncate("1d")
    return over_pairs(anchors, events, (KIND == "view").sum().alias("item_views"), seen=known, by=["item_id"])


def earlier_labels(anchors, events):
    """Encode the user by the mean of the labels that are known at T: of the rows whose window has ended."""
    del events
    rows = anchors.with_row_index("row")
    others = rows.select("user_id", other_end="label_end", other_label="label")
    known = rows.join(others, on="user_id").filter(pl.col("other_end") <= T)
    rates = known.group_by("row").agg(label_rate=pl.col("other_label").mean())
    return rows.join(rates, on="row", how="left", maintain_order="left").drop("row")


def clock(anchors, events):
    """Tell what the clock says, with a NaN and both zeros among the values."""
    del events
    hour = T.dt.hour().cast(pl.Float64)
    return anchors.select(
        hour=hour, undefined=(hour * 0) / 0, signed_zero=pl.when(hour > 11).then(-0.0).otherwise(0.0), answer=42
    )


def library_counts(anchors, events):
    """Ask the engine."""
    views = pp.count("views", where=KIND == "view", windows=["1d", "7d"])
    return pp.window_features(anchors, events, by=USER_ITEM, aggregates=[views, pp.last("last_price", "price")])


CORRECT: dict[str, Planted] = {
    "plain counts": Planted(plain_counts, ()),
    "complete days of all users": Planted(complete_days, (), cross_user=("item_views",)),
    "labels known at T": Planted(earlier_labels, ()),
    "the clock": Planted(clock, ()),
    "the engine": Planted(library_counts, ()),
}
