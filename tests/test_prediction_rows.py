"""Prediction rows, from the settings to anchors, labels, splits and purges, against the reference on random logs."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from reference import anchors as reference_anchors
from reference.events import DAY, HOUR, MICROSECOND, Anchor, Event
from reference.frames import Ids, event_frame, rows_of
from reference.prediction_rows import Shares
from reference.prediction_rows import prediction_rows as reference_rows
from reference.strategies import GAP, Shop, shops

from purchase_pred.errors import ConfigError
from purchase_pred.prediction_rows import prediction_rows
from purchase_pred.settings import Settings

HORIZONS = {"1us": MICROSECOND, "1h": HOUR, "1d": DAY, "7d": 7 * DAY}
EMBARGOES = {"0s": 0, "1us": MICROSECOND, "1d": DAY}
ALIGNMENTS = {"none": MICROSECOND, "1d": DAY}
TARGETS = (
    *((kind, level) for kind in ("session_close", "in_session", "calendar") for level in ("user_item", "user")),
    ("in_session", "session"),
)


def expected_anchors(shop: Shop, kind: str, level: str, *, active_within: int | None = None) -> list[Anchor]:
    events = shop.log.events
    if kind == "session_close":
        anchors = reference_anchors.session_close(events, gap=GAP)
        if level == "user":  # one row per session, whatever was viewed in it
            anchors = list({anchor._replace(item_id=None) for anchor in anchors})
    elif kind == "in_session":
        anchors = reference_anchors.in_session(events, every=2)
    else:
        first = min((event.timestamp for event in events), default=0)
        anchors = reference_anchors.calendar(
            events, every=DAY, start=first // DAY * DAY + DAY, level=level, active_within=active_within
        )
    return anchors


def comparable(row: dict) -> tuple:
    keys = [row.get(key) for key in ("user_id", "session_index", "item_id")]
    rest = [row[name] for name in ("prediction_time", "label_end", "label", "split", "purged")]
    return tuple(-1 if value is None else value for value in (*keys, *rest))


@settings(max_examples=120)
@given(
    shop=shops(),
    target=st.sampled_from(TARGETS),
    horizon=st.sampled_from(sorted(HORIZONS)),
    cut=st.tuples(st.sampled_from(sorted(ALIGNMENTS)), st.sampled_from(sorted(EMBARGOES))),
    sessions=st.sampled_from((None, 1)),
)
def test_rows_of_every_kind_and_level_equal_the_reference(shop, target, horizon, cut, sessions):
    (kind, level), (align, embargo) = target, cut
    chosen = Settings.model_validate(
        {
            "split": {"train": 0.5, "val": 0.25, "align": align, "embargo": embargo},
            "anchors": {"kind": kind, "every_events": 2, "every": "1d"},
            "target": {"level": level, "horizon": horizon, "sessions": sessions},
        }
    )
    events = event_frame(shop.log.events, ids=shop.log.ids, sessionized=True)
    found = rows_of(prediction_rows(events, settings=chosen))
    expected = reference_rows(
        expected_anchors(shop, kind, level),
        shop.log.events,
        horizon=HORIZONS[horizon],
        level=level,
        sessions=sessions,
        shares=Shares(Fraction(1, 2), Fraction(1, 4), ALIGNMENTS[align], EMBARGOES[embargo]),
    )
    rows = [comparable({**row._asdict(), **row.anchor._asdict()}) for row in expected]
    assert sorted(map(comparable, found)) == sorted(rows)


@settings(max_examples=60)
@given(
    shop=shops(),
    kind=st.sampled_from(("session_close", "in_session", "calendar")),
    horizon=st.sampled_from(sorted(HORIZONS)),
    active=st.sampled_from((None, "36h")),
)
def test_rows_of_churn_equal_the_reference(shop, kind, horizon, active):
    chosen = Settings.model_validate(
        {
            "split": {"train": 0.5, "val": 0.25, "align": "none"},
            "anchors": {"kind": kind, "every_events": 2, "every": "1d", "active_within": active},
            "target": {"kind": "churn", "level": "user", "horizon": horizon},
        }
    )
    found = rows_of(prediction_rows(event_frame(shop.log.events, ids=shop.log.ids, sessionized=True), settings=chosen))
    within = 36 * HOUR if active else HORIZONS[horizon]
    expected = reference_rows(
        expected_anchors(shop, kind, "user", active_within=within),
        shop.log.events,
        horizon=HORIZONS[horizon],
        level="user",
        sessions=None,
        shares=Shares(Fraction(1, 2), Fraction(1, 4), MICROSECOND, 0),
        kind="churn",
    )
    rows = [comparable({**row._asdict(), **row.anchor._asdict()}) for row in expected]
    assert sorted(map(comparable, found)) == sorted(rows)


@pytest.mark.parametrize(
    ("target", "asked"),
    [({"kind": "churn"}, "level must be user, found user_item"),
     ({"kind": "churn", "level": "user", "sessions": 1}, "sessions must be null, found 1")],
)  # fmt: skip
def test_churn_that_asks_about_items_or_sessions_is_refused_with_the_cure(target, asked):
    with pytest.raises(ValidationError, match=asked):
        Settings.model_validate({"target": target})


def test_an_embargo_purges_what_opens_validation_and_test_and_leaves_train_alone():
    events = [Event(day, "u1", day * DAY, "view", "book", session_index=day + 1) for day in range(101)]
    chosen = Settings.model_validate({"split": {"embargo": "2d"}, "target": {"horizon": "1d"}})
    rows = prediction_rows(event_frame(events, ids=Ids(), sessionized=True), settings=chosen).collect()
    # A session a day, known to be over 30 minutes later; train ends with day 70, validation with day 85.
    purged = rows.filter("purged")["session_index"].to_list()
    assert purged == [70, 71, 72, 85, 86, 87, 100]


@pytest.mark.parametrize(
    ("kind", "level", "keys"),
    [
        ("session_close", "user_item", ["user_id", "session_index", "item_id"]),
        ("session_close", "user", ["user_id", "session_index"]),
        ("in_session", "session", ["user_id", "session_index", "item_id"]),
        ("calendar", "user_item", ["user_id", "item_id"]),
        ("calendar", "user", ["user_id"]),
    ],
)
def test_rows_carry_the_keys_of_their_points_and_what_is_known_of_their_label(kind, level, keys):
    chosen = Settings.model_validate({"anchors": {"kind": kind}, "target": {"level": level}})
    rows = prediction_rows(event_frame([], ids=Ids(), sessionized=True), settings=chosen)
    expected = [*keys, "prediction_time", "label_end", "label", "split", "purged"]
    assert rows.collect_schema().names() == expected


@pytest.mark.parametrize("kind", ["session_close", "calendar"])
def test_session_level_needs_points_within_sessions(kind):
    chosen = Settings.model_validate({"anchors": {"kind": kind}, "target": {"level": "session"}})
    with pytest.raises(ConfigError, match="in_session"):
        prediction_rows(event_frame([], ids=Ids(), sessionized=True), settings=chosen)
