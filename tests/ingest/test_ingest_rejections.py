"""What is rejected and why, what is only warned of, and when too much is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
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
9999-05-01 10:00:00Z,1,view,1,
"""


def log_of(folder: Path, text: str, **settings: object) -> CanonicalLog:
    (folder / "log.csv").write_text(text)
    return read_log([folder / "log.csv"], format="table", settings=IngestSettings.model_validate(settings))


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
        (14, "out_of_range_time", "9999-05-01 10:00:00Z", "1", "view", "1", None, None),
    ]
    assert log.rows == 15
    assert {reason for _, reason in rows_of(log.rejected.select("event_id", "reason"))} == set(REASONS)


def test_examples_are_the_most_frequent_texts(tmp_path):
    log = log_of(tmp_path, DIRT)
    assert log.examples == {
        "unknown_event": ("order", "beat", "nothing", "wish"),
        "bad_time": ("31.12.2024",),
        "out_of_range_time": ("9999-05-01 10:00:00Z",),
    }


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


@pytest.mark.parametrize(
    ("column", "cure"), [("price", "--decimal ,"), ("duration_seconds", "--map duration_seconds=")]
)
def test_a_column_of_which_most_cannot_be_read_stops_the_log(tmp_path, column, cure):
    text = f"timestamp,user_id,event_type,item_id,{column}\n" + "".join(
        f'2024-05-01,{user},view,1,"{number}"\n' for user, number in enumerate(("12,50", "12,50", "3,99", "7", "8", ""))
    )
    with pytest.raises(InputError) as raised:
        log_of(tmp_path, text)
    assert f"column '{column}' ({column}): 3 of 5 values are no numbers of 0 or more ('12,50', '3,99')" in str(
        raised.value
    )
    assert cure in str(raised.value)
    log = log_of(tmp_path, text, decimal=",")
    assert rows_of(log.events.select(column)) == [(12.5,), (12.5,), (pytest.approx(3.99),), (7.0,), (8.0,), (None,)]


def test_numbers_of_a_typed_column_have_no_decimal_sign(tmp_path):
    frame = {"timestamp": ["2024-05-01"], "user_id": [1], "event_type": ["view"], "item_id": [1], "price": [12.5]}
    pl.DataFrame(frame).write_parquet(tmp_path / "log.parquet")
    log = read_log([tmp_path / "log.parquet"], format="table", settings=IngestSettings(decimal=","))
    assert rows_of(log.events.select("price")) == [(12.5,)]


def log_of_days(folder: Path, *strays: str, **settings: object) -> CanonicalLog:
    days = [f"2024-05-{1 + place % 30:02d}" for place in range(300)]
    rows = [f"{day},{user},view,1\n" for user, day in enumerate([*days, *strays])]
    return log_of(folder, "timestamp,user_id,event_type,item_id\n" + "".join(rows), **settings)


@pytest.mark.parametrize("stray", ["1970-01-01", "0001-01-01", "9999-12-31", "2000-01-01", "2037-01-01", "1577836800"])
def test_a_single_event_far_from_all_others_does_not_stretch_the_log(tmp_path, stray):
    log = log_of_days(tmp_path, stray)
    assert rows_of(log.rejected.select("event_id", "reason")) == [(300, "out_of_range_time")]
    assert log.examples == {"out_of_range_time": (stray,)}


def test_how_far_is_too_far_is_a_setting(tmp_path):
    assert rows_of(log_of_days(tmp_path, "2024-12-01").rejected) == []
    assert log_of_days(tmp_path, "2024-12-01", outlier_distance="100d").rejected.collect().height == 1
    assert rows_of(log_of_days(tmp_path, "2000-01-01", outlier_distance=None).rejected) == []
    assert rows_of(log_of_days(tmp_path, "1980-01-01", earliest="1970-01-01", outlier_distance=None).rejected) == []
    assert log_of_days(tmp_path, "2024-12-01", latest="2024-12-01").rejected.collect().height == 1


def test_a_far_row_turns_no_identifier_into_text_and_gives_no_category(tmp_path):
    header = "timestamp,user_id,event_type,item_id,category"
    rows = [f"2024-05-01,{user},view,1,hats\n" for user in range(200)]
    log = log_of(tmp_path, f"{header}\n" + "".join(rows) + "2000-01-01,nobody,view,1,shoes\n")
    assert log.events.collect_schema()["user_id"] == pl.Int64
    assert log.catalog.collect_schema()["category"] == pl.Enum(["hats"])


def test_damaged_parquet_times_are_rejected_and_shown(tmp_path):
    frame = pl.DataFrame(
        {"timestamp": [9 * 10**18, 1_714_557_600_000_000], "user_id": 1, "event_type": "view", "item_id": 1}
    )
    frame.with_columns(pl.col("timestamp").cast(pl.Datetime("us"))).write_parquet(tmp_path / "log.parquet")
    log = read_log([tmp_path / "log.parquet"], format="table", settings=IngestSettings())
    assert rows_of(log.rejected)[0][:3] == (0, "bad_time", "9000000000000000000")
    assert log.examples == {"bad_time": ("9000000000000000000",)}
    assert log.events.collect().height == 1


def test_the_period_of_a_log_has_a_length():
    with pytest.raises(ValueError, match=r"ingest\.earliest must lie before ingest\.latest"):
        IngestSettings.model_validate({"earliest": "2024-01-01", "latest": "2024-01-01"})


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
        "--event purchase=order", "--event ignore=NAME", "--map timestamp=NAME", "--time-format",
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
        ({"timezone": "Europe/Belin"}, "did you mean 'Europe/Berlin'?"),
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
