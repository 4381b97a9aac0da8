"""Times as logs write them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from purchase_pred.errors import InputError
from purchase_pred.ingest.times import read_times

MAY = datetime(2024, 5, 1, 10, tzinfo=UTC)


def read(values: list, dtype: pl.DataType | type[pl.DataType] = pl.String, **options: str) -> list[tuple]:
    frame = pl.LazyFrame({"written": pl.Series(values, dtype=dtype)})
    found = read_times(frame, pl.col("written"), frame.collect_schema()["written"], **options)
    return found.select("timestamp", "time_is_naive", "time_is_ambiguous").collect().rows()


@pytest.mark.parametrize(
    ("written", "moment", "naive"),
    [
        ("2024-05-01 10:00:00", MAY, True),
        ("2024-05-01T10:00", MAY, True),
        (" 2024/05/01 10:00:00 ", MAY, True),
        ("2024-05-01", MAY.replace(hour=0), True),
        ("20240501", MAY.replace(hour=0), True),
        ("20240501.0", MAY.replace(hour=0), True),
        ("202405011000", MAY, True),
        ("20240501100000", MAY, True),
        ("20240501100000.0", MAY, True),
        ("2024-05-02T00:00:00+14:00", MAY, False),
        ("2024-05-01 10:00:00.123456", MAY.replace(microsecond=123_456), True),
        ("2024-05-01 10:00:00 UTC", MAY, False),
        ("2024-05-01T10:00:00Z", MAY, False),
        ("2024-05-01T10:00Z", MAY, False),
        ("2024-05-01T12:00:00.5+02:00", MAY.replace(microsecond=500_000), False),
        ("2024-05-01 05:30:00 -0430", MAY, False),
        ("2024-05-01 05:00:00-05", MAY, False),
        ("1714557600", MAY, False),
        ("1714557600.25", MAY.replace(microsecond=250_000), False),
        ("1714557600000", MAY, False),
        ("1714557600000000", MAY, False),
        ("1714557600000000000", MAY, False),
    ],
)
def test_text_is_read_in_every_documented_form(written, moment, naive):
    assert read([written]) == [(moment, naive, False)]


@pytest.mark.parametrize(
    "written",
    [
        "",
        "tomorrow",
        "2024-02-30",
        "2024-13-01 00:00:00",
        "2024-05-01 25:00",
        "01/05/2024",
        "20240230",
        "20240230100000",
        "202405012500",
        "24-05-01",
        "24-05-01 10:00:00",
        "12024-05-01",
        "2024-05-01 10:00:00+99:99",
        "2024-05-01 10:00:00+15:00",
        "2024-05-01 10:00:00+02:60",
        "0",
        "-1",
        "nan",
        "inf",
        None,
    ],
)
def test_what_is_no_time_is_null(written):
    assert read([written]) == [(None, False, False)]


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (10**11 - 1, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        (10**11, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        (10**14 - 1, datetime(5138, 11, 16, 9, 46, 39, 999_000, tzinfo=UTC)),
        (10**14, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        (10**17, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
    ],
)
def test_magnitude_tells_the_unit_of_epoch_numbers(number, moment):
    assert read([str(number)]) == [(moment, False, False)]
    assert read([number], pl.Int64) == [(moment, False, False)]


def test_typed_columns_are_read_as_what_they_are():
    naive = datetime(2024, 5, 1, 10)  # noqa: DTZ001  (what a Parquet column without a zone holds)
    assert read([naive], pl.Datetime("ms")) == [(MAY, True, False)]
    assert read([MAY], pl.Datetime("ns", "UTC")) == [(MAY, False, False)]
    assert read([MAY], pl.Datetime("us", "Asia/Tokyo")) == [(MAY, False, False)]
    assert read([date(2024, 5, 1)], pl.Date) == [(MAY.replace(hour=0), True, False)]
    assert read([20_240_501, None], pl.Int32) == [(MAY.replace(hour=0), True, False), (None, False, False)]
    assert read([202_405_011_000, 20_240_501_100_000], pl.Int64) == [(MAY, True, False)] * 2
    assert read([20_240_501_100_000.0, None], pl.Float64) == [(MAY, True, False), (None, False, False)]
    assert read([1_714_557_600.5], pl.Float64) == [(MAY.replace(microsecond=500_000), False, False)]


@pytest.mark.parametrize(
    "dtype",
    [pl.Datetime("us"), pl.Datetime("ms"), pl.Datetime("us", "UTC"), pl.Datetime("ms", "Asia/Tokyo"), pl.Date],
)
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_typed_time_beyond_the_calendar_is_no_time(dtype: pl.DataType, sign: int):
    physical = pl.Series([sign * (2_000_000_000 if dtype == pl.Date else 9 * 10**18)]).cast(
        pl.Int32 if dtype == pl.Date else pl.Int64
    )
    frame = pl.LazyFrame({"written": physical.cast(dtype)})
    assert read_times(frame, pl.col("written"), dtype).collect()["timestamp"].to_list() == [None]


def test_a_column_that_cannot_hold_times_is_refused():
    with pytest.raises(InputError, match=r"found a column of Boolean.*--map timestamp=NAME"):
        read([True], pl.Boolean)


def test_naive_times_are_local_to_the_zone_given_and_others_are_not():
    found = read(["2024-05-01 12:00:00", "2024-05-01 10:00:00Z", "1714557600"], timezone="Europe/Berlin")
    assert [moment for moment, *_ in found] == [MAY] * 3


def test_local_time_that_daylight_saving_skips_is_no_time():
    assert read(["2024-03-31 02:30:00"], timezone="Europe/Berlin") == [(None, True, False)]


def test_of_a_local_time_that_exists_twice_the_earlier_is_taken_and_said_so():
    hours = ["2024-10-27 01:59:59", "2024-10-27 02:30:00", "2024-10-27 03:00:00"]
    assert read(hours, timezone="Europe/Berlin") == [
        (datetime(2024, 10, 26, 23, 59, 59, tzinfo=UTC), True, False),
        (datetime(2024, 10, 27, 0, 30, tzinfo=UTC), True, True),
        (datetime(2024, 10, 27, 2, 0, tzinfo=UTC), True, False),
    ]


def test_a_format_given_is_the_only_one():
    found = read(["01.05.2024 12:00", "2024-05-01 12:00:00"], time_format="%d.%m.%Y %H:%M", timezone="Europe/Berlin")
    assert found == [(MAY, True, False), (None, False, False)]


def test_a_format_given_is_the_one_of_whole_numbers_too():
    assert read([1_052_024], pl.Int64, time_format="%d%m%Y") == [(None, False, False)]
    assert read([11_052_024], pl.Int64, time_format="%d%m%Y") == [(MAY.replace(day=11, hour=0), True, False)]


def test_a_format_may_hold_the_zone():
    assert read(["01.05.2024 12:00 +0200"], time_format="%d.%m.%Y %H:%M %z") == [(MAY, False, False)]
