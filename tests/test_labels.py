"""Labels: examples that read as docs/time_contract.md, and the reference on random logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import labels as reference
from reference.events import DAY, HOUR, MICROSECOND, Anchor, Event
from reference.frames import Ids, anchor_frame, event_frame, rows_of
from reference.strategies import shops

import purchase_pred as pp
from purchase_pred.errors import SchemaError

NOON = 19_936 * DAY + 12 * HOUR
WEEK = 7 * DAY
HORIZONS = (MICROSECOND, HOUR, DAY, WEEK)


def bought(time: int, *, item: str = "book", user: str = "ann", session_index: int = 1, event_id: int = 0) -> Event:
    return Event(event_id, user, time, "purchase", item, session_index=session_index)


def moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def label(events: list[Event], anchor: Anchor, **options: object) -> int | None:
    """Return the label of one anchor with a horizon of a week, in a log that is known for long enough."""
    labelled = pp.label_purchases(
        anchor_frame([anchor], ids=Ids()),
        event_frame(events, ids=Ids(), sessionized=True),
        **{"horizon": timedelta(days=7), "end": moment(NOON + 2 * WEEK), **options},
    )
    return labelled.collect()["label"].item()


AT_NOON = Anchor("ann", 1, "book", NOON)


def test_purchase_at_the_prediction_time_counts():
    assert label([bought(NOON)], AT_NOON) == 1
    assert label([bought(NOON - MICROSECOND)], AT_NOON) == 0


def test_purchase_at_the_end_of_the_horizon_does_not_count():
    assert label([bought(NOON + WEEK - MICROSECOND)], AT_NOON) == 1
    assert label([bought(NOON + WEEK)], AT_NOON) == 0


def test_purchase_of_another_item_counts_for_the_user_alone():
    assert label([bought(NOON, item="pen")], AT_NOON) == 0
    assert label([bought(NOON, item="pen")], AT_NOON, level="user") == 1


def test_purchase_by_another_user_never_counts():
    for level in ("user_item", "user", "session"):
        assert label([bought(NOON, user="bob")], AT_NOON, level=level) == 0


def test_session_level_counts_purchases_of_this_session_alone():
    assert label([bought(NOON, item="pen", session_index=1)], AT_NOON, level="session") == 1
    assert label([bought(NOON, item="pen", session_index=2)], AT_NOON, level="session") == 0


def test_other_events_are_no_purchases():
    assert label([bought(NOON)._replace(event_type="add_to_cart")], AT_NOON) == 0


def test_with_a_number_of_sessions_the_purchase_must_lie_in_one_of_the_next():
    events = [
        Event(0, "ann", NOON - HOUR, "view", "book", session_index=1),
        Event(1, "ann", NOON + HOUR, "view", "book", session_index=2),
        bought(NOON + DAY, session_index=3, event_id=2),
    ]
    assert label(events, AT_NOON, sessions=1) == 0
    assert label(events, AT_NOON, sessions=2) == 1


def test_with_a_number_of_sessions_the_session_in_progress_still_counts():
    events = [Event(0, "ann", NOON - HOUR, "view", "book", session_index=1), bought(NOON, event_id=1)]
    assert label(events, AT_NOON, sessions=1) == 1


def test_before_the_users_first_event_the_first_session_is_the_next():
    first, second = bought(NOON, session_index=1), bought(NOON + DAY, session_index=2, event_id=1)
    other = first._replace(item_id="pen")
    assert label([first, second], AT_NOON, sessions=1) == 1
    assert label([other, second], AT_NOON, sessions=1) == 0
    assert label([other, second], AT_NOON, sessions=2) == 1


def test_horizon_of_nothing_and_no_session_at_all_are_refused():
    anchors, events = anchor_frame([AT_NOON], ids=Ids()), event_frame([], ids=Ids(), sessionized=True)
    with pytest.raises(ValueError, match="horizon"):
        pp.label_purchases(anchors, events, horizon="0s")
    for sessions in (0, 1.5, "2"):
        with pytest.raises(ValueError, match="sessions must be a whole number, 1 or more"):
            pp.label_purchases(anchors, events, horizon="7d", sessions=sessions)


def test_sessions_must_be_numbered_only_to_count_them():
    anchors = anchor_frame([AT_NOON], ids=Ids())
    events = event_frame([bought(NOON), bought(NOON + WEEK, item="pen", event_id=1)], ids=Ids())
    assert pp.label_purchases(anchors, events, horizon="7d").collect()["label"].to_list() == [1]
    with pytest.raises(SchemaError, match="session_index"):
        pp.label_purchases(anchors, events, horizon="7d", sessions=1)


def test_anchor_without_a_time_has_no_label():
    assert label([bought(NOON)], AT_NOON._replace(prediction_time=None)) is None


def test_label_is_a_byte_and_its_end_the_horizon_after_the_prediction_time():
    labelled = pp.label_purchases(
        anchor_frame([AT_NOON], ids=Ids()),
        event_frame([], ids=Ids(), sessionized=True),
        horizon=timedelta(days=7),
        end=moment(NOON + WEEK),
    )
    assert labelled.collect_schema()["label"] == pl.UInt8()
    assert rows_of(labelled) == [{**AT_NOON._asdict(), "label": 0, "label_end": NOON + WEEK}]


def test_label_whose_window_runs_past_the_end_of_the_log_is_not_known():
    later = bought(NOON + WEEK - MICROSECOND, item="pen", event_id=1)
    assert label([later], AT_NOON, end=None) is None
    assert label([later._replace(timestamp=NOON + WEEK)], AT_NOON, end=None) == 0
    assert label([later], AT_NOON, end=moment(NOON + WEEK)) == 0


def test_purchase_seen_in_a_window_that_runs_past_the_end_is_not_known_either():
    assert label([bought(NOON), bought(NOON + DAY, event_id=1)], AT_NOON, end=None) is None


def test_sessions_that_are_over_before_the_end_of_the_log_do_not_make_a_label_known():
    visits = [Event(day, "ann", NOON + day * DAY, "view", "book", session_index=1 + day) for day in range(5)]
    assert label(visits, AT_NOON, sessions=1, end=None) is None


def test_nothing_is_known_of_an_empty_log():
    assert label([], AT_NOON, end=None) is None
    assert label([], AT_NOON) == 0


def test_end_of_the_log_is_its_last_event_whatever_kind_and_user_that_is_of():
    other = Event(1, "bob", NOON + WEEK, "scroll", None, session_index=1)
    assert label([bought(NOON), other], AT_NOON, end=None) == 1


def test_end_may_be_told_in_any_zone_but_not_without_one():
    berlin = timezone(timedelta(hours=2))
    assert label([], AT_NOON, end=moment(NOON + WEEK).astimezone(berlin)) == 0
    with pytest.raises(ValueError, match="end must be an aware datetime"):
        label([], AT_NOON, end=datetime(2024, 9, 1))  # noqa: DTZ001  (what is refused)


def test_a_condition_says_which_events_count():
    carted = bought(NOON)._replace(event_type="add_to_cart")
    assert label([carted], AT_NOON, where=pl.col("event_type") == "add_to_cart") == 1
    assert label([bought(NOON)], AT_NOON, where=pl.col("event_type") == "add_to_cart") == 0
    assert label([bought(NOON)], AT_NOON, where=pl.col("price") > 3) == 0, "a price that is not known is not above 3"


def test_any_event_within_three_days_is_a_return():
    view = Event(0, "ann", NOON + 3 * DAY - MICROSECOND, "view", "pen", session_index=2)
    returns = {"where": pl.lit(value=True), "level": "user", "horizon": "3d"}
    assert label([view], AT_NOON, **returns) == 1
    assert label([view._replace(timestamp=NOON + 3 * DAY)], AT_NOON, **returns) == 0


def test_a_condition_needs_its_columns_and_no_event_type():
    anchors, events = anchor_frame([AT_NOON], ids=Ids()), event_frame([bought(NOON + WEEK)], ids=Ids())
    typeless = events.drop("event_type")
    returned = pp.label_purchases(anchors, typeless, horizon="7d", level="user", where=pl.col("price").is_null())
    assert returned.collect()["label"].to_list() == [0]
    with pytest.raises(SchemaError, match="'event_type' is missing"):
        pp.label_purchases(anchors, typeless, horizon="7d")
    with pytest.raises(SchemaError, match="'prise' is missing"):
        pp.label_purchases(anchors, events, horizon="7d", where=pl.col("prise") > 3)


def test_a_condition_that_looks_at_several_events_is_refused():
    with pytest.raises(ValueError, match="where must look at each event by itself"):
        label([], AT_NOON, where=pl.col("price") > pl.col("price").mean())


@settings(max_examples=40)
@given(
    shop=shops(),
    horizons=st.sampled_from(list(pairwise(HORIZONS))),
    level=st.sampled_from(("user_item", "user", "session")),
    sessions=st.sampled_from((None, 1)),
)
def test_from_the_time_of_the_purchase_follow_the_labels_of_all_shorter_horizons(shop, horizons, level, sessions):
    anchors, events = (
        anchor_frame(shop.log.anchors, ids=shop.log.ids),
        event_frame(shop.log.events, ids=shop.log.ids, sessionized=True),
    )
    short, long = (timedelta(microseconds=one) for one in horizons)
    asked = {"level": level, "sessions": sessions, "end": moment(NOON + 52 * WEEK)}
    timed = pp.label_purchases(anchors, events, horizon=long, time_column="label_time", **asked).collect()
    shorter = pp.label_purchases(anchors, events, horizon=short, **asked).collect()["label"].to_list()
    assert timed.drop("label_time").equals(pp.label_purchases(anchors, events, horizon=long, **asked).collect())
    followed = (pl.col("label_time") < pl.col("prediction_time") + short).fill_null(value=False).cast(pl.UInt8)
    known = pl.when(pl.col("label").is_not_null()).then(followed)
    assert timed.select(known.alias("label"))["label"].to_list() == shorter


def stays_away(events: list[Event], anchor: Anchor = AT_NOON, **options: object) -> int | None:
    labelled = pp.label_churn(
        anchor_frame([anchor], ids=Ids()),
        event_frame(events, ids=Ids(), sessionized=True),
        **{"horizon": timedelta(days=7), "end": moment(NOON + 2 * WEEK), **options},
    )
    return labelled.collect()["label"].item()


def test_any_event_at_or_after_the_prediction_time_and_before_the_end_is_a_return():
    view = Event(0, "ann", NOON, "view", None, session_index=1)
    assert stays_away([]) == 1
    assert stays_away([view]) == 0
    assert stays_away([view._replace(timestamp=NOON - MICROSECOND)]) == 1
    assert stays_away([view._replace(timestamp=NOON + WEEK - MICROSECOND)]) == 0
    assert stays_away([view._replace(timestamp=NOON + WEEK)]) == 1
    assert stays_away([view._replace(user_id="bob")]) == 1


def test_who_has_not_come_back_before_the_log_ends_is_not_known_to_stay_away():
    view = Event(0, "bob", NOON + WEEK - MICROSECOND, "view", None, session_index=1)
    assert stays_away([view], end=None) is None
    assert stays_away([view._replace(timestamp=NOON + WEEK)], end=None) == 1
    assert stays_away([], AT_NOON._replace(prediction_time=None)) is None


@settings(max_examples=60)
@given(shop=shops(), horizon=st.sampled_from(HORIZONS), end=st.sampled_from((None, NOON, NOON + 52 * WEEK)))
def test_labels_of_churn_equal_the_reference(shop, horizon, end):
    found = pp.label_churn(
        anchor_frame(shop.log.anchors, ids=shop.log.ids),
        event_frame(shop.log.events, ids=shop.log.ids, sessionized=True),
        horizon=timedelta(microseconds=horizon),
        end=None if end is None else moment(end),
    ).collect()
    assert found.schema["label"] == pl.UInt8()
    assert found["label"].to_list() == [
        reference.churn(anchor, shop.log.events, horizon=horizon, end=end) for anchor in shop.log.anchors
    ]


@settings(max_examples=120)
@given(
    shop=shops(),
    horizon=st.sampled_from(HORIZONS),
    level=st.sampled_from(("user_item", "user", "session")),
    sessions=st.sampled_from((None, None, 1, 2)),
    end=st.sampled_from((None, NOON, NOON + 52 * WEEK)),
)
def test_labels_equal_the_reference(shop, horizon, level, sessions, end):
    anchors = anchor_frame(shop.log.anchors, ids=shop.log.ids)
    labelled = pp.label_purchases(
        anchors,
        event_frame(shop.log.events, ids=shop.log.ids, sessionized=True),
        horizon=timedelta(microseconds=horizon),
        level=level,
        sessions=sessions,
        end=None if end is None else moment(end),
    )
    expected = [
        reference.label(
            anchor,
            shop.log.events,
            horizon=horizon,
            level=level,
            sessions=sessions,
            end=end,
        )
        for anchor in shop.log.anchors
    ]
    found = labelled.collect()
    assert found.select(anchors.collect_schema().names()).equals(anchors.collect())
    assert found["label"].to_list() == expected
