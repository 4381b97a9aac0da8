"""What is rejected and why, what is only warned of, and when too much is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from compare_logs import rows_of

from purchase_pred.errors import InputError
from purchase_pred.ingest import REASONS, check_rejected, read_log
from purchase_pred.settings.ingest import IngestSettings

if TYPE_CHECKING:
    from pathlib import Path

    from purchase_pred.ingest import CanonicalLog

DIRT = """timestamp,user_id,event_type,item_id,note
2024-05-01 10:00:00Z,1,view,1,first
2024-05-01 10:00:00Z,1,view,1,first
2024-05-01 10:00:00Z,1,view,1,second
31.12.2024,1,view,1,
31.12.2024,,order,1,
2024-05-01 10:00:00Z,1,order,1,
2024-05-01 10:00:00Z,1,order,1,
2024-05-01 10:00:00Z,1,wish,1,
2024-05-01 10:00:00Z,,view,1,
2024-05-01 10:00:00Z,1,view,,
2024-05-01 10:00:00Z,1,view,1,a,b

2024-05-01 10:00:00Z,1
2024-05-01 10:00:00Z,1,beat,,
"""


def log_of(folder: Path, text: str, **settings: object) -> CanonicalLog:
    (folder / "log.csv").write_text(text)
    return read_log("table", [folder / "log.csv"], settings=IngestSettings.model_validate(settings))


def test_every_reason_is_given_with_the_row_as_it_stands_in_the_source(tmp_path):
    log = log_of(tmp_path, DIRT, events={"ignore": "beat"})
    assert rows_of(log.events.select("event_id")) == [(0,), (2,)]
    assert rows_of(log.rejected) == [
        (1, "duplicate", "2024-05-01 10:00:00Z", "1", "view", "1", "first", None),
        (3, "bad_time", "31.12.2024", "1", "view", "1", None, None),
        (4, "bad_time", "31.12.2024", None, "order", "1", None, None),
        (5, "unknown_event", "2024-05-01 10:00:00Z", "1", "order", "1", None, None),
        (6, "unknown_event", "2024-05-01 10:00:00Z", "1", "order", "1", None, None),
        (7, "unknown_event", "2024-05-01 10:00:00Z", "1", "wish", "1", None, None),
        (8, "missing_user_id", "2024-05-01 10:00:00Z", None, "view", "1", None, None),
        (9, "missing_item_id", "2024-05-01 10:00:00Z", "1", "view", None, None, None),
        (10, "extra_fields", "2024-05-01 10:00:00Z", "1", "view", "1", "a", "b"),
        (11, "empty_row", None, None, None, None, None, None),
        (12, "unknown_event", "2024-05-01 10:00:00Z", "1", None, None, None, None),
        (13, "ignored_event", "2024-05-01 10:00:00Z", "1", "beat", None, None, None),
    ]
    assert log.rows == 14
    assert {reason for _, reason in rows_of(log.rejected.select("event_id", "reason"))} == set(REASONS)


def test_examples_are_the_most_frequent_texts(tmp_path):
    log = log_of(tmp_path, DIRT)
    assert log.examples == {"unknown_event": ("order", "beat", "nothing", "wish"), "bad_time": ("31.12.2024",)}


def test_duplicates_are_kept_on_request(tmp_path):
    log = log_of(tmp_path, DIRT, duplicates="keep")
    assert rows_of(log.events.select("event_id")) == [(0,), (1,), (2,)]


def test_clean_log_has_no_rejected_rows_no_examples_and_no_warnings(tmp_path):
    log = log_of(tmp_path, "\n".join(DIRT.splitlines()[:2]) + "\n")
    assert (rows_of(log.rejected), log.examples, log.warnings) == ([], {}, ())


def test_what_is_taken_for_granted_is_said(tmp_path):
    text = (
        "timestamp,user_id,event_type,item_id,price,duration_seconds\n"
        "2024-05-01 10:00:00,1,view,1,free,-1\n2024-05-01 10:00:01,1,view,1,0,2\nnever,1,view,1,free,-1\n"
    )
    log = log_of(tmp_path, text)
    assert log.warnings == (
        "2 times name no time zone and were taken as UTC; --timezone (ingest.timezone) names another",
        "1 prices are no numbers of 0 or more and were taken as not shown",
        "1 durations are no numbers of 0 or more and were taken as unknown",
    )
    assert rows_of(log.events.select("price", "duration_seconds")) == [(None, None), (None, 2.0)]


def test_a_zone_given_silences_the_warning_but_not_the_doubtful_hour(tmp_path):
    text = "timestamp,user_id,event_type,item_id\n2024-10-27 02:30:00,1,view,1\n2024-05-01 10:00:00,1,view,1\n"
    log = log_of(tmp_path, text, timezone="Europe/Berlin")
    assert log.warnings == (
        "1 local times exist twice in Europe/Berlin, as clocks went back; the earlier moment was taken",
    )


def test_exactly_the_share_allowed_passes_and_one_row_more_does_not():
    check_rejected({"bad_time": 3, "duplicate": 2}, rows=100, max_rejected=0.05)
    with pytest.raises(InputError, match=r"^6 of 100 rows \(6 %\) were rejected, ingest\.max_rejected allows 5 %"):
        check_rejected({"bad_time": 3, "duplicate": 3}, rows=100, max_rejected=0.05)


def test_message_counts_by_reason_and_says_what_to_change():
    with pytest.raises(InputError) as raised:
        check_rejected(
            {"unknown_event": 30, "bad_time": 5, "missing_user_id": 5, "duplicate": 0},
            rows=100,
            max_rejected=0.05,
            examples={"unknown_event": ("order", "wish"), "bad_time": ("31.12.2024",)},
        )
    message = str(raised.value)
    assert "unknown_event 30 ('order', 'wish'), bad_time 5 ('31.12.2024'), missing_user_id 5;" in message
    for option in (
        "--event purchase=order", "--event ignore=NAME", "--map timestamp=NAME", "ingest.time_format",
        "--map user_id=NAME", "raise ingest.max_rejected",
    ):  # fmt: skip
        assert option in message
    assert "duplicate" not in message


def test_events_left_out_on_request_do_not_count():
    check_rejected({"ignored_event": 90, "bad_time": 1}, rows=110, max_rejected=0.05)
    with pytest.raises(InputError, match=r"^1 of 10 rows \(10 %\)"):
        check_rejected({"ignored_event": 90, "bad_time": 1}, rows=100, max_rejected=0.05)
    with pytest.raises(InputError, match="no event is left"):
        check_rejected({"ignored_event": 100}, rows=100, max_rejected=0.05)


def test_a_log_without_a_sound_row_is_refused_whatever_is_allowed():
    with pytest.raises(InputError, match="10 of 10 rows") as raised:
        check_rejected({"bad_time": 10}, rows=10, max_rejected=1.0)
    assert "raise ingest.max_rejected" not in str(raised.value)


def test_one_name_cannot_mean_two_events(tmp_path):
    with pytest.raises(InputError, match="'buy' is mapped to both 'purchase' and 'view'"):
        log_of(tmp_path, DIRT, events={"purchase": "buy", "view": "buy"})


def test_star_goes_with_no_other_name(tmp_path):
    with pytest.raises(InputError, match="every row one event"):
        log_of(tmp_path, DIRT, events={"purchase": ["*", "buy"]})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"timezone": "Europe/Belin"}, "nearest: 'Europe/Berlin'"),
        ({"columns": {"time": "ts"}}, "'timestamp'"),
        ({"events": {"buy": "purchase"}}, "'purchase'"),
        ({"max_rejected": 1.5}, "less than or equal to 1"),
        ({"duplicates": "maybe"}, "'drop' or 'keep'"),
    ],
)
def test_settings_refuse_what_they_do_not_know(wrong, said):
    with pytest.raises(ValueError, match="validation error") as raised:
        IngestSettings.model_validate(wrong)
    assert said in str(raised.value)
