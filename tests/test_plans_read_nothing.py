"""Every public function is lazy: it builds a plan and reads no row."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from reference.events import DAY
from reference.frames import Ids, anchor_frame, catalog_frame, event_frame, user_frame
from reference.laws import unread

import purchase_pred as pp

if TYPE_CHECKING:
    from collections.abc import Callable

IDS = Ids()
EVENTS = unread(event_frame([], ids=IDS))
SESSIONIZED = unread(event_frame([], ids=IDS, sessionized=True))
ANCHORS = unread(anchor_frame([], ids=IDS))
CATALOG = unread(catalog_frame([], ids=IDS, categories=pl.Enum(["books"])))
USERS = unread(user_frame({"ann": DAY}, ids=IDS))
AGGREGATES = [
    pp.count("n", windows=["7d"]),
    pp.n_unique("u", "item_id", windows=["7d"]),
    pp.total("t", "price"),
    pp.mean("m", "duration_seconds"),
    pp.minimum("low", "price", windows=["7d"]),
    pp.last("l", "price"),
    pp.hours_since_last("h", k=2),
    pp.decayed_count("d", "1d"),
]
PLANS: dict[str, Callable[[], pl.LazyFrame]] = {
    "sessionize": lambda: pp.sessionize(EVENTS),
    "sessionize_by_intent": lambda: pp.sessionize_by_intent(EVENTS),
    "session_table": lambda: pp.session_table(SESSIONIZED),
    "temporal_split": lambda: pp.temporal_split(SESSIONIZED),
    "session_close_anchors": lambda: pp.session_close_anchors(SESSIONIZED),
    "in_session_anchors": lambda: pp.in_session_anchors(SESSIONIZED),
    "calendar_anchors": lambda: pp.calendar_anchors(SESSIONIZED),
    "label_purchases": lambda: pp.label_purchases(ANCHORS, SESSIONIZED, horizon=timedelta(days=7), sessions=2),
    "window_features": lambda: pp.window_features(ANCHORS, EVENTS, by="user_id", aggregates=AGGREGATES),
    "build_features": lambda: pp.build_features(ANCHORS, SESSIONIZED, catalog=CATALOG, users=USERS),
}


@pytest.mark.parametrize("function", PLANS)
def test_building_the_plan_reads_no_row(function):
    plan = PLANS[function]()
    assert isinstance(plan, pl.LazyFrame)
    with pytest.raises(Exception, match="the frame was read"):
        plan.collect()


@pytest.mark.parametrize("function", PLANS)
def test_schema_is_known_without_reading_a_row(function):
    assert len(PLANS[function]().collect_schema()) > 0
