"""Amounts: what the purchases come to that a label counts, against the reference on random logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from reference import labels as reference
from reference.events import DAY, HOUR, MICROSECOND, Anchor, Event
from reference.frames import Ids, anchor_frame, event_frame
from reference.strategies import shops

import purchase_pred as pp
from purchase_pred.amounts import label_amounts
from purchase_pred.errors import SchemaError
from purchase_pred.prediction_rows import prediction_rows
from purchase_pred.settings import Settings

NOON = 19_936 * DAY + 12 * HOUR
WEEK = 7 * DAY
HORIZONS = (MICROSECOND, HOUR, DAY, WEEK)
LATE = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=NOON + 52 * WEEK)


def bought(event_id: int, time: int, price: float | None, item: str = "book") -> Event:
    return Event(event_id, "ann", time, "purchase", item, session_index=1, price=price)


def spent(events: list[Event], level: str = "user") -> float | None:
    anchors = anchor_frame([Anchor("ann", 1, "book", NOON)], ids=Ids())
    log = event_frame(events, ids=Ids(), sessionized=True)
    labelled = pp.label_purchases(anchors, log, horizon="7d", level=level, end=LATE)
    return label_amounts(labelled, log, horizon="7d", level=level).collect()["label_value"].item()


def test_amounts_are_of_the_same_window_as_the_label():
    events = [bought(0, NOON - MICROSECOND, 1.0), bought(1, NOON, 2.0), bought(2, NOON + WEEK - MICROSECOND, 4.0)]
    assert spent([*events, bought(3, NOON + WEEK, 8.0)]) == 6.0
    assert spent([bought(0, NOON + WEEK, 8.0)]) == 0.0


def test_amounts_are_of_the_purchases_that_the_level_asks_for():
    events = [bought(0, NOON, 2.0), bought(1, NOON, 4.0, item="pen")]
    assert (spent(events), spent(events, "user_item")) == (6.0, 2.0)


def test_a_price_that_is_not_known_counts_for_nothing_unless_it_is_all_there_is():
    assert spent([bought(0, NOON, None), bought(1, NOON, 3.0)]) == 3.0
    assert spent([bought(0, NOON, None)]) is None
    assert spent([bought(0, NOON, float("nan"))]) is None


@settings(max_examples=25)
@given(shop=shops(), horizon=st.sampled_from(HORIZONS), level=st.sampled_from(("user_item", "user", "session")))
def test_amounts_equal_the_reference(shop, horizon, level):
    end = NOON + 52 * WEEK
    anchors = anchor_frame(shop.log.anchors, ids=shop.log.ids)
    events = event_frame(shop.log.events, ids=shop.log.ids, sessionized=True)
    length = timedelta(microseconds=horizon)
    labelled = pp.label_purchases(anchors, events, horizon=length, level=level, end=LATE)
    found = label_amounts(labelled, events, horizon=length, level=level).collect()
    assert found.drop("label_value").equals(labelled.collect())
    expected = [
        reference.amount(anchor, shop.log.events, horizon=horizon, level=level, end=end) for anchor in shop.log.anchors
    ]
    assert found["label_value"].to_list() == [None if one is None else pytest.approx(one) for one in expected]


def test_rows_have_amounts_only_where_they_are_asked_for():
    log = event_frame([], ids=Ids(), sessionized=True)
    asked = Settings.model_validate({"target": {"value": "revenue"}})
    names = [prediction_rows(log, settings=one).collect_schema().names() for one in (Settings(), asked)]
    assert [name for name in names[1] if name not in names[0]] == ["label_value"]


def test_amounts_are_not_made_twice():
    log = event_frame([], ids=Ids(), sessionized=True)
    labelled = pp.label_purchases(anchor_frame([], ids=Ids()), log, horizon="7d")
    with pytest.raises(SchemaError, match="label_value would be made twice"):
        label_amounts(labelled.with_columns(label_value=pl.lit(0.0)), log, horizon="7d")


@pytest.mark.parametrize(
    ("target", "asked"),
    [({"kind": "churn", "level": "user"}, "kind must be purchase"), ({"sessions": 2}, "sessions must be null")],
)
def test_revenue_of_what_is_no_purchase_or_ends_with_sessions_is_refused(target, asked):
    with pytest.raises(ValidationError, match=asked):
        Settings.model_validate({"target": {"value": "revenue", **target}})
