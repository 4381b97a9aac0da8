"""What a frame must be: lazy or not, its columns and dtypes, and messages that say how to mend it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
from reference.events import DAY, Event
from reference.frames import Ids, anchor_frame, catalog_frame, event_frame, user_frame

import purchase_pred as pp
from purchase_pred.errors import InputError, SchemaError
from purchase_pred.models import design_matrix, feature_spec
from purchase_pred.schema import CATALOG, EVENT_TYPE_DTYPE, EVENTS, TIME_DTYPE, USERS, require
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

IDS = Ids()
RAW = event_frame([], ids=IDS)
LOG = event_frame([], ids=IDS, sessionized=True)
ANCHORS = anchor_frame([], ids=IDS)
SHOP = catalog_frame([], ids=IDS, categories=pl.Enum(["books"]))
PEOPLE = user_frame({"ann": DAY}, ids=IDS)
COUNT = [pp.count("n")]
FEATURES = pl.DataFrame({"label": [0, 1], "views": [3, 4]}, schema_overrides={"label": pl.UInt8})
SPEC = feature_spec(FEATURES)

EAGER_ARGUMENTS: dict[str, Callable[[], object]] = {
    "sessionize": lambda: pp.sessionize(RAW.collect()),
    "sessionize_by_intent": lambda: pp.sessionize_by_intent(RAW.collect()),
    "session_table": lambda: pp.session_table(LOG.collect()),
    "temporal_split": lambda: pp.temporal_split(LOG.collect()),
    "session_close_anchors": lambda: pp.session_close_anchors(LOG.collect()),
    "in_session_anchors": lambda: pp.in_session_anchors(LOG.collect()),
    "calendar_anchors": lambda: pp.calendar_anchors(LOG.collect()),
    "label_purchases, anchors": lambda: pp.label_purchases(ANCHORS.collect(), LOG, horizon="7d"),
    "label_purchases, events": lambda: pp.label_purchases(ANCHORS, LOG.collect(), horizon="7d"),
    "label_purchases, events of a condition": lambda: pp.label_purchases(
        ANCHORS, LOG.collect(), horizon="7d", where=pl.col("price") > 3
    ),
    "window_features, anchors": lambda: pp.window_features(ANCHORS.collect(), LOG, by="user_id", aggregates=COUNT),
    "window_features, events": lambda: pp.window_features(ANCHORS, LOG.collect(), by="user_id", aggregates=COUNT),
    "build_features, anchors": lambda: pp.build_features(ANCHORS.collect(), LOG),
    "build_features, sessionized": lambda: pp.build_features(ANCHORS, LOG.collect()),
    "build_features, catalog": lambda: pp.build_features(ANCHORS, LOG, catalog=SHOP.collect()),
    "build_features, users": lambda: pp.build_features(ANCHORS, LOG, users=PEOPLE.collect()),
    "check_leakage, anchors": lambda: pp.check_leakage(lambda a, _: a, ANCHORS.collect(), LOG),
    "check_leakage, events": lambda: pp.check_leakage(lambda a, _: a, ANCHORS, LOG.collect()),
    "prediction_rows": lambda: pp.prediction_rows(LOG.collect(), settings=Settings()),
    "prediction_rows, as of": lambda: pp.prediction_rows(
        LOG.collect(), settings=Settings(), as_of=datetime(2024, 8, 1, tzinfo=UTC)
    ),
}
LAZY_ARGUMENTS: dict[str, Callable[[], object]] = {
    "feature_spec": lambda: feature_spec(FEATURES.lazy()),
    "design_matrix": lambda: design_matrix(FEATURES.lazy(), SPEC),
}
TIMES = [datetime(2024, 8, 1, 12)]  # noqa: DTZ001  (what has to be converted)
CONVERTIBLE = {
    "naive time": ("timestamp", pl.Series(TIMES, dtype=pl.Datetime("us"))),
    "naive time in nanoseconds": ("timestamp", pl.Series(TIMES, dtype=pl.Datetime("ns"))),
    "time in milliseconds": ("timestamp", pl.Series(TIMES).dt.replace_time_zone("UTC").dt.cast_time_unit("ms")),
    "time of another zone": ("timestamp", pl.Series(TIMES).dt.replace_time_zone("Europe/Berlin")),
    "text as time": ("timestamp", pl.Series(["2024-08-01 12:00:00"])),
    "date as time": ("timestamp", pl.Series([date(2024, 8, 1)])),
    "seconds as time": ("timestamp", pl.Series([1_722_513_600])),
    "text as event type": ("event_type", pl.Series(["view"])),
    "event_id of another integer": ("event_id", pl.Series([7])),
    "user_id of floats": ("user_id", pl.Series([7.0])),
    "user_id of categories": ("user_id", pl.Series(["ann"], dtype=pl.Categorical)),
    "price of integers": ("price", pl.Series([7])),
    "duration of text": ("duration_seconds", pl.Series(["7.5"])),
    "registration at a time": ("registration_date", pl.Series(TIMES)),
    "registration as text": ("registration_date", pl.Series(["2024-08-01"])),
    "category of numbers": ("category", pl.Series([7])),
}
REQUIRED = {**EVENTS, **USERS, **CATALOG}


@pytest.mark.parametrize("call", EAGER_ARGUMENTS.values(), ids=EAGER_ARGUMENTS)
def test_a_frame_in_memory_is_refused_with_the_cure_wherever_a_plan_is_asked_for(call: Callable[[], object]) -> None:
    with pytest.raises(SchemaError, match=r"must be a LazyFrame, found a DataFrame; pass it with \.lazy\(\)"):
        call()


@pytest.mark.parametrize("call", LAZY_ARGUMENTS.values(), ids=LAZY_ARGUMENTS)
def test_a_plan_is_refused_with_the_cure_wherever_rows_are_learnt_from(call: Callable[[], object]) -> None:
    with pytest.raises(SchemaError, match=r"must be a DataFrame, found a LazyFrame; pass it with \.collect\(\)"):
        call()


def test_what_is_no_frame_at_all_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"events must be a LazyFrame, found a dict; pl\.LazyFrame"):
        pp.sessionize({"user_id": [7]})


@pytest.mark.parametrize(("name", "values"), CONVERTIBLE.values(), ids=CONVERTIBLE)
def test_the_conversion_that_a_message_names_mends_the_column(name: str, values: pl.Series) -> None:
    frame = pl.LazyFrame({name: values})
    with pytest.raises(SchemaError, match=f"column '{name}' must be .* convert it by ") as raised:
        require(frame, {name: REQUIRED[name]}, what="events")
    named = str(raised.value).partition("convert it by ")[2]
    mended = frame.with_columns(eval(named, {"pl": pl, "pp": pp}))  # noqa: S307  (a message of our own)
    require(mended, {name: REQUIRED[name]}, what="events")
    assert mended.collect()[name].null_count() == 0
    if name == "timestamp" and values.dtype != pl.Date:
        assert mended.collect()[name].dt.hour().item() in {10, 12}


def test_what_no_method_converts_is_named_without_one() -> None:
    with pytest.raises(SchemaError, match=r"column 'price' must be Float64, found List\(Int64\)$"):
        require(pl.LazyFrame({"price": [[7]]}), {"price": pl.Float64}, what="events")


@pytest.mark.parametrize(
    ("found", "meant"),
    [("userid", "user_id"), ("User ID", "user_id"), ("time_stamp", "timestamp"), ("event-type", "event_type")],
)
def test_a_missing_column_names_the_one_that_may_be_meant(found: str, meant: str) -> None:
    with pytest.raises(SchemaError, match=f"column '{meant}' is missing, did you mean '{found}'"):
        require(pl.LazyFrame({found: ["x"]}), {meant: pl.String}, what="events")


def test_a_missing_column_lists_the_columns_of_the_user_and_not_all_of_a_thousand() -> None:
    wide = pl.LazyFrame(schema={**{f"c{number:04}": pl.Int8 for number in range(1_000)}, "__row": pl.Int8})
    with pytest.raises(SchemaError, match=r"is missing \(columns found: c0000, .* c0029 and 970 more\)$"):
        require(wide, {"user_id": pl.Int64}, what="events")


def test_events_without_a_time_are_never_seen() -> None:
    events = [Event(0, "ann", DAY, "purchase", "book"), Event(1, "ann", None, "purchase", "book")]
    log = event_frame(events, ids=IDS).with_columns(pl.col("timestamp").cast(TIME_DTYPE))
    anchors = pl.LazyFrame({"user_id": ["ann", "ann"], "prediction_time": [0, 2 * DAY]}).with_columns(
        pl.col("prediction_time").cast(TIME_DTYPE)
    )
    seen = pp.window_features(anchors, log, by="user_id", aggregates=COUNT).collect()
    assert seen["n"].to_list() == [0, 1]
    labels = pp.label_purchases(anchors, log, horizon="1d", level="user", end=datetime(1970, 2, 1, tzinfo=UTC))
    assert labels.collect()["label"].to_list() == [0, 0]


def test_the_leakage_check_refuses_events_without_a_time() -> None:
    log = pl.LazyFrame({"event_id": [0, 1], "user_id": [7, 7], "timestamp": [None, 0]})
    anchors = pl.LazyFrame({"user_id": [7], "prediction_time": [9]})
    with pytest.raises(InputError, match=r"1 of 2 have none; leave them out with drop_nulls\('timestamp'\)"):
        pp.check_leakage(
            lambda a, _: a.with_columns(n=1),
            anchors.with_columns(pl.col("prediction_time").cast(TIME_DTYPE)),
            log.with_columns(pl.col("timestamp").cast(TIME_DTYPE)),
        )


def test_the_event_types_are_those_that_a_message_casts_to() -> None:
    assert pl.Enum(pp.EVENT_TYPES) == EVENT_TYPE_DTYPE
