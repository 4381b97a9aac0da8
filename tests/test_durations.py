"""Durations: what is one, what is none, and one sentence for whatever is none, in every function that takes one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from reference.frames import Ids, anchor_frame, event_frame

import purchase_pred as pp
from purchase_pred.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS = event_frame([], ids=Ids(), sessionized=True)
ANCHORS = anchor_frame([], ids=Ids())
COUNT = pp.count("n")
TAKERS: dict[str, Callable[[object], object]] = {
    "sessionize": lambda gap: pp.sessionize(EVENTS, gap=gap),
    "session_close_anchors": lambda gap: pp.session_close_anchors(EVENTS, gap=gap),
    "calendar_anchors": lambda every: pp.calendar_anchors(EVENTS, every=every),
    "label_purchases": lambda horizon: pp.label_purchases(ANCHORS, EVENTS, horizon=horizon),
    "temporal_split": lambda align: pp.temporal_split(EVENTS, align=align),
    "count": lambda window: pp.count("n", windows=[window]),
    "decayed_count": lambda half_life: pp.decayed_count("n", half_life),
    "window_features": lambda lag: pp.window_features(
        ANCHORS, EVENTS, by="user_id", aggregates=[COUNT], availability_lag=lag
    ),
    "check_leakage": lambda lag: pp.check_leakage(lambda a, _: a, ANCHORS, EVENTS, availability_lag=lag),
}


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("given", [30, 30.5, True, None, float("inf"), "30", "soon", "", "-1d", "1.5h", ["7d"]])
def test_what_is_no_duration_is_refused_in_one_sentence(taker: str, given: object) -> None:
    with pytest.raises(ValueError, match="a duration is a whole number and a unit") as raised:
        TAKERS[taker](given)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("given", ["365251d", "99999999999999999999w", timedelta.max, timedelta.min])
def test_more_than_a_thousand_years_are_refused(taker: str, given: object) -> None:
    with pytest.raises(ValueError, match="must be at most 365250 days"):
        TAKERS[taker](given)


@pytest.mark.parametrize("taker", TAKERS)
def test_no_duration_may_be_negative(taker: str) -> None:
    with pytest.raises(ValueError, match=r"must not be negative|longer than zero"):
        TAKERS[taker](timedelta(microseconds=-1))


@pytest.mark.parametrize("taker", ["calendar_anchors", "label_purchases", "temporal_split", "count", "decayed_count"])
def test_what_must_last_may_not_be_zero(taker: str) -> None:
    with pytest.raises(ValueError, match="longer than zero"):
        TAKERS[taker]("0s")


def test_a_thousand_years_pass() -> None:
    assert parse_duration("365250d") == timedelta(days=365_250)
    rows = pp.label_purchases(ANCHORS, EVENTS, horizon="365250d")
    aggregates = [pp.count("n", windows=["365250d"]), pp.minimum("m", "price", windows=["365250d"])]
    assert pp.window_features(rows, EVENTS, by="user_id", aggregates=aggregates).collect().height == 0


@pytest.mark.parametrize("given", [7, timedelta(days=7), "7d", float("inf")])
def test_windows_are_a_sequence(given: object) -> None:
    with pytest.raises(TypeError, match="windows must be a sequence of durations such as"):
        pp.count("n", windows=given)


def test_no_window_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        pp.count("n", windows=[])
