"""Parquet files joined without being read: the same rows, whoever reads them."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from purchase_pred.pipeline.engine.parquet_join import join_parquet
from purchase_pred.pipeline.engine.thrift import BINARY, BYTE, DOUBLE, LIST, TRUE, read_struct, write_struct


def frame(rows: int, *, first: int = 0) -> pl.DataFrame:
    number = pl.int_range(first, first + rows)
    return pl.select(
        user_id=number,
        name=pl.format("user {}", number % 5),
        at=(number * 1_000_003).cast(pl.Datetime("us", "UTC")),
        category=pl.when(number % 2 == 0)
        .then(pl.lit("books"))
        .otherwise(pl.lit("garden"))
        .cast(pl.Enum(["books", "garden"])),
        share=pl.when(number % 3 > 0).then(number / 7),
        label=(number % 2).cast(pl.UInt8),
    )


def write(folder, *frames: pl.DataFrame, **options) -> list:
    paths = [folder / f"{number}.parquet" for number in range(len(frames))]
    for one, path in zip(frames, paths, strict=True):
        one.write_parquet(path, **options)
    return paths


@pytest.mark.parametrize("compression", ["zstd", "lz4", "uncompressed"])
def test_joined_files_hold_the_rows_of_all_in_order(tmp_path, compression):
    frames = [frame(25), frame(0), frame(40, first=25), frame(1, first=65)]
    parts = write(tmp_path, *frames, row_group_size=10, compression=compression)
    whole = tmp_path / "whole.parquet"

    assert join_parquet(parts, whole) == 66
    assert_frame_equal(pl.read_parquet(whole), pl.concat(frames))
    assert_frame_equal(pl.scan_parquet(whole).slice(20, 30).collect(), frame(30, first=20))


def test_statistics_of_joined_files_leave_out_no_row_that_is_asked_for(tmp_path):
    parts = write(tmp_path, frame(25), frame(40, first=25), row_group_size=10)
    join_parquet(parts, tmp_path / "whole.parquet")
    found = pl.scan_parquet(tmp_path / "whole.parquet").filter(pl.col("user_id").is_between(23, 31)).collect()

    assert_frame_equal(found, frame(9, first=23))


def test_files_without_rows_give_one_without_rows_and_with_their_columns(tmp_path):
    join_parquet(write(tmp_path, frame(0), frame(0)), tmp_path / "whole.parquet")

    assert_frame_equal(pl.read_parquet(tmp_path / "whole.parquet"), frame(0))


def test_another_reader_reads_joined_files(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    frames = [frame(25), frame(40, first=25)]
    join_parquet(write(tmp_path, *frames, row_group_size=10), tmp_path / "whole.parquet")
    found = pl.from_arrow(parquet.read_table(tmp_path / "whole.parquet"))

    assert_frame_equal(found, pl.concat(frames), check_dtypes=False, categorical_as_str=True)


def test_files_of_other_columns_are_refused(tmp_path):
    parts = write(tmp_path, frame(3), frame(3).drop("share"))
    with pytest.raises(ValueError, match="one schema"):
        join_parquet(parts, tmp_path / "whole.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"a text of some length", b"PAR1\xff\xff\xff\x7fPAR1"])
def test_what_is_no_parquet_is_refused(tmp_path, content):
    (tmp_path / "part").write_bytes(content)
    with pytest.raises(ValueError, match="must be a Parquet file"):
        join_parquet([tmp_path / "part"], tmp_path / "whole.parquet")


def test_structures_of_every_kind_are_written_as_they_were_read():
    struct = {
        1: (TRUE, True),
        40: (BYTE, 7),
        41: (DOUBLE, b"\0" * 8),
        42: (LIST, (BINARY, [b"x" * 200] * 20)),
        43: (LIST, (TRUE, [1, 2])),
        7: (LIST, (BINARY, [])),
    }
    assert read_struct(write_struct(struct)) == struct
    with pytest.raises(ValueError, match="whole"):
        read_struct(write_struct(struct)[:-1])
