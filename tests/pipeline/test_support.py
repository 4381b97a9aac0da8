"""Whether a log can support a target is said before anything is trained, with settings that would do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from reference.events import DAY, Event
from reference.frames import Ids, event_frame

from purchase_pred.errors import ConfigError, UnsupportedTargetError
from purchase_pred.pipeline.stages.support import LogFacts, SplitCounts, check_labels, check_rows, check_size
from purchase_pred.settings import Settings
from purchase_pred.settings.loading import resolve_settings

SOUND = SplitCounts(rows=100, positives=5, purged=10)
NONE = SplitCounts(rows=0, positives=0, purged=40)
QUARTER = LogFacts(events=10_000, users=500, views=8_000, purchases=200, span=timedelta(days=90))
HOURS = LogFacts(events=5_000, users=1_000, views=4_900, purchases=50, span=timedelta(hours=4.2))
THREE_SOUND = {"train": SOUND, "val": SOUND, "test": SOUND}


def settings(*assignments: str) -> Settings:
    return resolve_settings(assignments=assignments).settings


def never_asked() -> str:
    raise AssertionError


def refusal(facts: LogFacts, counts: dict[str, SplitCounts], *assignments: str) -> str:
    with pytest.raises(UnsupportedTargetError) as raised:
        check_labels(facts, counts, settings=settings(*assignments), advise=lambda: "try THIS")
    return str(raised.value)


def test_sound_counts_pass() -> None:
    check_labels(QUARTER, THREE_SOUND, settings=Settings(), advise=never_asked)


def test_a_calendar_of_too_many_points_is_refused_with_the_figure_before_any_is_made() -> None:
    days = [Event(day, f"user {day % 50}", day * DAY, "view", "book", session_index=1) for day in range(100)]
    log = event_frame(days, ids=Ids(), sessionized=True)
    chosen = ("anchors.kind=calendar", "target.level=user", "anchors.every=1us")
    with pytest.raises(
        ConfigError, match=r"anchors.every 1us makes 3\d\d,\d{3},\d{3},\d{3},\d{3} prediction points .* a month is"
    ):
        check_size(log, settings=settings(*chosen))
    check_size(log, settings=settings(*chosen, "execution.max_rows=1000000000000000"))
    check_size(log, settings=settings(*chosen[:2], "anchors.every=1d"))
    check_size(log, settings=settings("anchors.every=1us"))


def test_a_calendar_without_events_is_no_fault_of_its_size() -> None:
    check_size(event_frame([], ids=Ids(), sessionized=True), settings=settings("anchors.kind=calendar"))


def test_a_horizon_longer_than_the_log_names_span_horizon_and_cure() -> None:
    message = refusal(HOURS, {"train": SOUND, "val": NONE, "test": NONE})

    assert "no complete label in val, test" in message
    assert "the log spans 4.2 hours" in message
    assert "target.horizon 7d after a silence of 30 minutes" in message
    assert message.endswith("90 rows were purged; try THIS")


def test_an_embargo_is_named_where_no_label_fits() -> None:
    assert "7d after a silence of 30 minutes after an embargo of 3d must" in refusal(
        QUARTER, {"val": NONE}, "split.embargo=3d"
    )


def test_a_log_without_views_says_so_before_the_cure() -> None:
    facts = LogFacts(events=69_659, users=23_570, views=0, purchases=69_659, span=timedelta(days=545))
    message = refusal(facts, {"train": NONE, "val": NONE, "test": NONE})

    assert message.endswith("the log holds no view among 69,659 events; try THIS")


def test_of_churn_a_log_needs_no_purchase_and_labels_are_told_in_its_words() -> None:
    churn = ("target.kind=churn", "target.level=user", "anchors.kind=calendar")
    bare = replace(QUARTER, purchases=0)
    check_labels(bare, THREE_SOUND, settings=settings(*churn), advise=never_asked)
    assert "none of the 9 rows of val leaves (target.level user" in refusal(bare, {"val": SplitCounts(9, 0, 0)}, *churn)
    assert "none of the 9 rows of val does not leave" in refusal(bare, {"val": SplitCounts(9, 9, 0)}, *churn)


def test_a_log_without_purchases_says_how_to_name_them() -> None:
    facts = LogFacts(events=900, users=5, views=900, purchases=0, span=timedelta(days=90))

    message = refusal(facts, {"train": SplitCounts(50, 0, 0)})
    assert message.startswith("no purchase among 900 events")
    assert "--event purchase=NAME" in message


def test_that_there_are_no_purchases_is_said_before_anything_else() -> None:
    facts = LogFacts(events=5_000, users=1_000, views=0, purchases=0, span=timedelta(hours=4.2))
    with pytest.raises(UnsupportedTargetError, match=r"^no purchase among 5,000 events"):
        check_rows(facts, {"train": SOUND, "val": NONE, "test": NONE}, settings=Settings(), advise=never_asked)


@pytest.mark.parametrize(("positives", "word"), [(0, "buys"), (100, "does not buy")])
def test_a_split_with_labels_of_one_kind_is_named(positives: int, word: str) -> None:
    counts = THREE_SOUND | {"test": SplitCounts(100, positives, 0)}

    message = refusal(QUARTER, counts)
    assert f"none of the 100 rows of test {word}" in message
    assert message.endswith("without both; try THIS")


def test_rows_without_positives_are_rows_all_the_same() -> None:
    check_rows(QUARTER, {"val": SplitCounts(10, 0, 0)}, settings=Settings(), advise=never_asked)
