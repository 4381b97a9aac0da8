"""Histories as fingerprints: what has changed of a user is found, and nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from purchase_pred.features import item_days
from purchase_pred.features.histories import (
    day_fingerprints,
    days_differing,
    event_fingerprints,
    histories,
    sees_changed_day,
    unchanged,
)
from purchase_pred.schema import TIME_DTYPE
from purchase_pred.settings.features import FeatureSettings

SETTINGS = FeatureSettings()


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2024, 8, 1, hour, tzinfo=UTC) + timedelta(days=number)


EVENTS = pl.LazyFrame(
    {
        "event_id": [0, 1, 2, 3],
        "user_id": [7, 7, 8, 8],
        "timestamp": [day(0, 9), day(2, 9), day(0, 9), day(1, 9)],
        "event_type": "view",
        "item_id": [1, 2, 1, 1],
        "price": [5.0, None, 5.0, 5.0],
        "session_index": [1, 2, 1, 2],
    },
    schema_overrides={"timestamp": TIME_DTYPE, "event_id": pl.UInt64},
)
CATALOG = pl.LazyFrame(
    {"item_id": [1, 2], "category": ["hats", None], "base_price": 5.0, "current_price": 5.0, "created_at": day(0)},
    schema_overrides={"category": pl.Enum(["hats"]), "created_at": TIME_DTYPE},
)
USERS = pl.LazyFrame({"user_id": [7, 8], "registration_date": date(2024, 8, 1)})


def added(user: int, at: datetime) -> pl.LazyFrame:
    """Return the events and one more of a user."""
    event = EVENTS.head(1).with_columns(
        event_id=pl.lit(9, pl.UInt64), user_id=pl.lit(user, pl.Int64), timestamp=pl.lit(at).cast(TIME_DTYPE)
    )
    return pl.concat([EVENTS, event]).sort("user_id", "timestamp", "event_id")


def since(events: pl.LazyFrame, *, catalog: pl.LazyFrame = CATALOG, users: pl.LazyFrame = USERS) -> dict:
    before = histories(event_fingerprints(EVENTS, catalog=CATALOG, users=USERS))
    found = unchanged(event_fingerprints(events, catalog=catalog, users=users), before).collect()
    return dict(found.sort("user_id").iter_rows())


MORE_SHELVES = pl.Enum(["caps", "hats"])
WIDER = CATALOG.with_columns(pl.col("category").cast(MORE_SHELVES))
OTHERWISE = pl.LazyFrame(WIDER.collect().with_columns(pl.Series("category", ["hats", "caps"], MORE_SHELVES)))
CASES = {
    "nothing": ({"events": EVENTS}, {7: None, 8: None}),
    "an event behind the others": ({"events": added(7, day(5))}, {7: day(5), 8: None}),
    "an event between the others": ({"events": added(7, day(1))}, {8: None}),
    "an event at the time of the last": ({"events": added(7, day(2, 9))}, {7: day(2, 9), 8: None}),
    "an event that is gone": ({"events": EVENTS.filter(pl.col("event_id") != 3)}, {7: None}),
    "a further user": ({"events": added(9, day(0))}, {7: None, 8: None}),
    "another price of an event": (
        {"events": EVENTS.with_columns(price=pl.when(event_id=0).then(6.0).otherwise("price"))},
        {8: None},
    ),
    "another category of an item": (
        {"events": EVENTS, "catalog": OTHERWISE},
        {8: None},
    ),
    "a category of no item": ({"events": EVENTS, "catalog": WIDER}, {7: None, 8: None}),
    "another day of registration": (
        {
            "events": EVENTS,
            "users": pl.LazyFrame({"user_id": [7, 8], "registration_date": [date(2024, 8, 1), date(2024, 7, 1)]}),
        },
        {7: None},
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_what_has_changed_of_a_user_is_found(what: str) -> None:
    changed, expected = CASES[what]
    assert since(**changed) == expected


def test_a_day_differs_by_its_sums_and_by_the_category_of_an_item_in_it() -> None:
    def differing(events: pl.LazyFrame, catalog: pl.LazyFrame) -> list[datetime]:
        before, now = (
            day_fingerprints(item_days(log), catalog=items) for log, items in ((EVENTS, CATALOG), (events, catalog))
        )
        return days_differing(now, before).collect()["timestamp"].to_list()

    assert differing(EVENTS, WIDER) == []
    assert differing(added(7, day(1, 3)), CATALOG) == [day(1)]
    assert differing(EVENTS, OTHERWISE) == [day(2)]


def test_two_items_that_change_alike_do_not_cancel() -> None:
    one, other = (pl.LazyFrame({"item_id": [1, 2], "timestamp": day(0), "view": views}) for views in ([1, 1], [2, 2]))
    found = [day_fingerprints(days, catalog=None).collect()["fingerprint"].item() for days in (one, other)]
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("moment", "sees"), [(day(9, 23), False), (day(11), True), (day(40, 23), True), (day(41), False)]
)
def test_a_prediction_sees_a_changed_day_from_the_midnight_after_it_for_thirty_days(moment, sees) -> None:
    rows = pl.LazyFrame({"prediction_time": [moment]}, schema={"prediction_time": TIME_DTYPE})
    changed = pl.LazyFrame({"timestamp": [day(10)]}, schema={"timestamp": TIME_DTYPE})
    assert sees_changed_day(rows, changed, settings=SETTINGS).collect().height == sees
