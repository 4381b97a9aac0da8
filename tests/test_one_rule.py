"""One rule for training and scoring: the points that are open at a moment are those that training would have made."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference import anchors as reference_anchors
from reference.events import DAY, HOUR, MICROSECOND, Anchor, Event
from reference.frames import Ids, catalog_frame, event_frame, rows_of, user_frame
from reference.prediction_rows import open_points as reference_open_points
from reference.strategies import GAP, Shop, random_shop, seeded, shops

import purchase_pred as pp
from purchase_pred.errors import ConfigError
from purchase_pred.execution.known_log import KnownLog
from purchase_pred.execution.open_features import OpenPredictions
from purchase_pred.prediction_rows import users_asked_about
from purchase_pred.settings import Settings

KINDS = (
    *((kind, level) for kind in ("session_close", "in_session", "calendar") for level in ("user_item", "user")),
    ("in_session", "session"),
)
HORIZONS = {"1us": MICROSECOND, "1h": HOUR, "1d": DAY, "7d": 7 * DAY}
ACTIVE = {None: None, "1us": MICROSECOND, "36h": 36 * HOUR, "7d": 7 * DAY}
EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))


def chosen(
    kind: str,
    level: str,
    *,
    horizon: str = "1d",
    sessions: int | None = None,
    target_kind: str = "purchase",
    **anchors: object,
) -> Settings:
    return Settings.model_validate(
        {
            "split": {"train": 0.5, "val": 0.25, "align": "none"},
            "anchors": {"kind": kind, "every_events": 2, "every": "1d", **anchors},
            "target": {"kind": target_kind, "level": level, "horizon": horizon, "sessions": sessions},
        }
    )


def at(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def known_anchors(known: list[Event], kind: str, level: str, *, moment: int, active: int | None) -> list[Anchor]:
    """Return what the reference would ask about, were the log to end at the moment."""
    if kind == "session_close":
        anchors = reference_anchors.session_close(known, gap=GAP, end=moment)
        return anchors if level == "user_item" else list({anchor._replace(item_id=None) for anchor in anchors})
    if kind == "calendar":
        return reference_anchors.calendar(known, every=DAY, start=moment, end=moment, level=level, active_within=active)
    last = {(event.user_id, event.session_index): event.timestamp for event in sorted(known, key=lambda e: e.timestamp)}
    running = [event for event in known if last[event.user_id, event.session_index] + GAP >= moment]
    return reference_anchors.in_session(running, every=2)


@settings(max_examples=60)
@given(
    shop=shops(),
    target=st.tuples(st.sampled_from(KINDS), st.sampled_from(sorted(HORIZONS))),
    sessions=st.sampled_from((None, 1, 2, "churn")),
    active=st.sampled_from(sorted(ACTIVE, key=str)),
    place=st.tuples(st.integers(0, 30), st.sampled_from((0, 1, -1, GAP, GAP + 1, HOUR, DAY, 3 * DAY))),
)
def test_open_points_of_every_kind_and_level_equal_the_reference(shop, target, sessions, active, place):
    ((kind, level), horizon), (number, step) = target, place
    target_kind = "purchase"
    if sessions == "churn":
        target_kind, level, sessions = "churn", "user", None
    times = sorted(event.timestamp for event in shop.log.events) or [0]
    moment = times[number % len(times)] + step
    known = [event for event in shop.log.events if event.timestamp < moment]
    events = event_frame(shop.log.events, ids=shop.log.ids, sessionized=True)
    asked = chosen(kind, level, horizon=horizon, sessions=sessions, target_kind=target_kind, active_within=active)
    within = HORIZONS[horizon] if target_kind == "churn" and active is None else ACTIVE[active]
    found = rows_of(pp.prediction_rows(events, settings=asked, as_of=at(moment)))
    expected = reference_open_points(
        known_anchors(known, kind, level, moment=moment, active=within),
        known,
        moment=moment,
        horizon=HORIZONS[horizon],
        level=level,
        sessions=sessions,
        gap=GAP,
        kind=target_kind,
    )
    shown = [tuple(row.get(name) for name in Anchor._fields) for row in found]
    assert sorted(shown, key=str) == sorted(map(tuple, expected), key=str)


@pytest.mark.parametrize(("number", "target"), list(enumerate(KINDS)))
def test_points_and_features_of_a_moment_are_those_that_training_made_of_it(number, target):
    kind, level = target
    shop = random_shop(seeded(number), most_events=150, most_anchors=1)
    events = event_frame(shop.log.events, ids=shop.log.ids, sessionized=True)
    asked = chosen(kind, level, horizon="1h", sessions=number % 2 or None, active_within=(None, "3d")[number % 3 == 0])
    rows = pp.prediction_rows(events, settings=asked)
    features = _features(shop, rows.select(pl.exclude("label", "split", "purged")), events, asked)
    times = rows.select(pl.col("prediction_time").unique().sort()).collect().to_series().to_list()
    for time in times[:: max(1, len(times) // 3)]:
        points = pp.prediction_rows(events, settings=asked, as_of=time).filter(pl.col("prediction_time") == time)
        found = _features(shop, points, events.filter(pl.col("timestamp") < time), asked)
        keys = [name for name in found.columns if name in {"user_id", "session_index", "item_id"}]
        expected = features.filter(pl.col("prediction_time") == time)
        assert_frame_equal(found.sort(keys), expected.sort(keys), check_exact=True)
    assert times


@pytest.mark.parametrize(("number", "target"), list(enumerate(KINDS)))
def test_open_predictions_made_in_shards_of_the_users_asked_about_are_those_of_the_whole_log(number, target):
    kind, level = target
    shop = random_shop(seeded(100 + number), most_events=150, most_anchors=1)
    events = event_frame(shop.log.events, ids=shop.log.ids, sessionized=True)
    asked = chosen(kind, level, horizon="1d", sessions=number % 2 or None, active_within=(None, "3d")[number % 3 == 0])
    times = sorted(event.timestamp for event in shop.log.events)
    found = 0
    after = 2 if kind == "in_session" else HOUR
    for moment in (at(time + after) for time in times[:: max(1, len(times) // 2)]):
        points = pp.prediction_rows(events, settings=asked, as_of=moment)
        whole = _features(shop, points, events.filter(pl.col("timestamp") < moment), asked)
        predictions = OpenPredictions(KnownLog(sessionized=events, settings=asked, as_of=moment, **_described(shop)))
        parts = list(predictions.features(events_per_shard=20))
        made = pl.concat([part for part in parts if part.height] or [whole.clear()])
        assert_frame_equal(made, whole, check_exact=True)
        one = whole.select("user_id").unique().sort("user_id").head(1)
        of_one = [part for part in predictions.features(of=one) if part.height]
        assert_frame_equal(pl.concat(of_one or [whole.clear()]), whole.join(one, on="user_id", how="semi"))
        found += whole.height
    assert found


def test_users_who_were_not_active_of_late_are_not_asked_about_and_their_events_not_looked_at():
    log = [Event(0, "ann", 0, "view", "book", session_index=1), Event(1, "bob", 9 * DAY, "view", "pen", 1)]
    events = event_frame(log, ids=Ids(), sessionized=True)

    def users(kind: str, **anchors: object) -> list[str]:
        asked = chosen(kind, "user", horizon="7d", **anchors)
        return sorted(users_asked_about(events, settings=asked, as_of=at(9 * DAY + 1)).collect()["user_id"])

    assert users("session_close") == users("in_session") == users("calendar", active_within="2d") == ["bob"]
    assert users("calendar") == ["ann", "bob"]


def _features(shop: Shop, points: pl.LazyFrame, events: pl.LazyFrame, asked: Settings) -> pl.DataFrame:
    return pp.build_features(points, events, settings=asked.features, **_described(shop)).collect()


def _described(shop: Shop) -> dict[str, pl.LazyFrame]:
    return {
        "catalog": catalog_frame(shop.catalog, ids=shop.log.ids, categories=shop.categories),
        "users": user_frame(shop.registered, ids=shop.log.ids),
    }


def test_what_is_bought_or_whose_next_sessions_are_over_is_no_longer_open():
    def visit(user: str, day: int, session: int, kind: str = "view") -> Event:
        return Event(100 * session + day, user, day * DAY, kind, "book", session_index=session)

    log = [
        *(visit(user, 1, 1) for user in ("bought", "over", "open", "away")),
        visit("bought", 2, 2, "purchase"),
        visit("over", 2, 2, "scroll"),
        visit("open", 3, 2, "scroll"),
    ]
    events = event_frame([event._replace(event_id=i) for i, event in enumerate(log)], ids=Ids(), sessionized=True)
    moment = at(3 * DAY + 1)

    def users(sessions: int | None) -> list[str]:
        asked = chosen("session_close", "user_item", horizon="7d", sessions=sessions)
        return pp.prediction_rows(events, settings=asked, as_of=moment).collect()["user_id"].to_list()

    assert users(1) == ["away", "open"]  # the second visit of "open" may still go on
    assert users(None) == ["away", "open", "over"]


def test_who_came_back_is_no_longer_open_to_leave_and_an_event_at_the_prediction_time_is_a_return():
    def visit(number: int, user: str, time: int, session: int) -> Event:
        return Event(number, user, time, "view", "book", session_index=session)

    log = [
        *(visit(number, user, 0, 1) for number, user in enumerate(("away", "back", "at once"))),
        visit(3, "at once", GAP + 1, 2),
        visit(4, "back", DAY, 2),
    ]
    events = event_frame(log, ids=Ids(), sessionized=True)
    asked = chosen("session_close", "user", horizon="7d", target_kind="churn")
    before, after = (pp.prediction_rows(events, settings=asked, as_of=at(moment)) for moment in (HOUR, DAY + 1))
    assert before.collect()["user_id"].to_list() == ["away", "back"]
    assert after.collect()["user_id"].to_list() == ["at once", "away"]


def test_pairs_that_training_never_asks_about_are_not_scored_on_a_calendar():
    log = [Event(0, "ann", 0, "view", "book"), Event(1, "ann", 9 * DAY, "view", "pen")]
    events = event_frame(
        [event._replace(session_index=i) for i, event in enumerate(log, 1)], ids=Ids(), sessionized=True
    )
    asked = chosen("calendar", "user_item")
    points = pp.prediction_rows(events, settings=asked, as_of=at(9 * DAY + 1)).collect()
    assert points["item_id"].to_list() == ["pen"]


def test_active_within_says_who_is_asked_about_on_a_calendar():
    log = [
        Event(0, "ann", 0, "view", "book", session_index=1),
        Event(1, "bob", 9 * DAY, "view", "pen", session_index=1),
    ]
    events = event_frame(log, ids=Ids(), sessionized=True)
    asked = chosen("calendar", "user", active_within="2d")
    rows = pp.prediction_rows(events, settings=asked).collect()
    assert rows.select("user_id", pl.col("prediction_time").dt.day()).rows() == [("ann", 2), ("ann", 3)]
    assert pp.prediction_rows(events, settings=asked, as_of=at(10 * DAY)).collect()["user_id"].to_list() == ["bob"]


def test_a_moment_without_a_zone_is_refused():
    events = event_frame([], ids=Ids(), sessionized=True)
    with pytest.raises(ValueError, match="as_of must be an aware datetime"):
        pp.prediction_rows(events, settings=Settings(), as_of=datetime(2024, 8, 1))  # noqa: DTZ001  (what is refused)


def test_a_moment_of_a_target_without_such_points_is_refused_as_in_training():
    events = event_frame([], ids=Ids(), sessionized=True)
    with pytest.raises(ConfigError, match="in_session"):
        pp.prediction_rows(events, settings=chosen("calendar", "session"), as_of=EPOCH)
