"""Labels: examples that read as the contract, and the reference on random logs."""

from __future__ import annotations

from datetime import timedelta

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


def label(events: list[Event], anchor: Anchor, **options: object) -> int | None:
    """Return the label of one anchor with a horizon of a week."""
    labelled = pp.label_purchases(
        anchor_frame([anchor], ids=Ids()),
        event_frame(events, ids=Ids(), sessionized=True),
        horizon=timedelta(days=7),
        **options,
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
    with pytest.raises(ValueError, match="sessions"):
        pp.label_purchases(anchors, events, horizon="7d", sessions=0)


def test_sessions_must_be_numbered_only_to_count_them():
    anchors, events = anchor_frame([AT_NOON], ids=Ids()), event_frame([bought(NOON)], ids=Ids())
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
    )
    assert labelled.collect_schema()["label"] == pl.UInt8()
    assert rows_of(labelled) == [{**AT_NOON._asdict(), "label": 0, "label_end": NOON + WEEK}]


@settings(max_examples=200)
@given(
    shop=shops(),
    horizon=st.sampled_from(HORIZONS),
    level=st.sampled_from(("user_item", "user", "session")),
    sessions=st.sampled_from((None, None, 1, 2)),
)
def test_labels_equal_the_reference(shop, horizon, level, sessions):
    anchors = anchor_frame(shop.log.anchors, ids=shop.log.ids)
    labelled = pp.label_purchases(
        anchors,
        event_frame(shop.log.events, ids=shop.log.ids, sessionized=True),
        horizon=timedelta(microseconds=horizon),
        level=level,
        sessions=sessions,
    )
    expected = [
        reference.label(
            anchor,
            shop.log.events,
            horizon=horizon,
            level=level,
            sessions=sessions,
        )
        for anchor in shop.log.anchors
    ]
    found = labelled.collect()
    assert found.select(anchors.collect_schema().names()).equals(anchors.collect())
    assert found["label"].to_list() == expected
