from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from purchase_pred.models.rows.row_keys import row_draws

T = datetime(2024, 8, 1, 12, 30, tzinfo=UTC)


def key(**changes: object) -> pl.DataFrame:
    row = {"user_id": "ann", "session_index": 3, "item_id": 17, "prediction_time": T, **changes}
    return pl.DataFrame({name: [value] for name, value in row.items()})


def mixed(value: int) -> int:
    """SplitMix64 as its authors wrote it, in whole numbers."""
    value = (value + 0x9E3779B97F4A7C15) % 2**64
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def test_numbers_and_times_are_mixed_by_splitmix64():
    state = 0
    for part in (-7, 3, 17, int(T.timestamp()) * 1_000_000):
        state = mixed((state + 0x9E3779B97F4A7C15) % 2**64 ^ mixed(part % 2**64))
    assert row_draws(key(user_id=-7))[0] == (state >> 11) / 2**53


def test_the_numbers_are_those_of_every_release():
    """Written down once: other numbers would draw other rows of the same log."""
    found = [row_draws(frame)[0] for frame in (key(), key(user_id=7), key(item_id=None), key().select("user_id"))]
    assert found == pytest.approx([0.73625236249171, 0.8681141575544616, 0.314171897973054, 0.9399569293707021])


@pytest.mark.parametrize(
    "changes", [{"user_id": "bob"}, {"session_index": 4}, {"item_id": 18}, {"prediction_time": T.replace(minute=31)}]
)
def test_every_part_of_the_key_counts(changes: dict[str, object]):
    assert row_draws(key(**changes))[0] != row_draws(key())[0]


def test_what_is_no_key_does_not_count():
    assert row_draws(key(label=1, views=9))[0] == row_draws(key())[0]


def test_width_and_sign_of_a_number_do_not_count():
    frames = [key(user_id=7).with_columns(pl.col("user_id").cast(dtype)) for dtype in (pl.Int8, pl.UInt64, pl.Int64)]
    assert len({row_draws(frame)[0] for frame in frames}) == 1


def test_the_numbers_are_spread_evenly_and_neighbours_have_nothing_in_common():
    draws = row_draws(pl.DataFrame({"user_id": np.arange(100_000)}))
    assert np.histogram(draws, bins=20, range=(0, 1))[0] == pytest.approx(np.full(20, 5_000), rel=0.06)
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.01
    assert len(np.unique(draws)) == len(draws)


def test_a_frame_without_rows_or_without_keys_has_its_numbers_too():
    assert row_draws(key().clear()).tolist() == []
    assert row_draws(pl.DataFrame({"views": [1, 2]})).tolist() == [0.0, 0.0]
