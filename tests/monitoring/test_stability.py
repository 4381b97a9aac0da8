from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from purchase_pred.errors import SchemaError
from purchase_pred.monitoring.stability import population_stability

NUMBERS = st.lists(st.one_of(st.none(), st.integers(-3, 6).map(float), st.just(float("nan"))), min_size=1, max_size=40)
WORDS = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d"])), min_size=1, max_size=40)


def psi_by_loops(before: list[int], now: list[int], places: int) -> float:
    """Return the index of rows that lie in numbered bins, by the formula and nothing else."""
    total = 0.0
    for place in range(places):
        p = (before.count(place) + 0.5) / (len(before) + 0.5 * places)
        q = (now.count(place) + 0.5) / (len(now) + 0.5 * places)
        total += (q - p) * math.log(q / p)
    return total


def number_places(before: list[float | None], now: list[float | None], bins: int) -> tuple[list[int], list[int], int]:
    """Put every value into its bin: missing, below the least, one between each two quantiles, above the greatest."""
    known = sorted(value for value in before if value is not None and not math.isnan(value))
    cuts = sorted({known[math.ceil(len(known) * part / bins) - 1] for part in range(1, bins + 1)}) if known else []

    def place(value: float | None) -> int:
        if value is None or math.isnan(value):
            return 0
        if not cuts:
            return 1
        if value < known[0]:
            return 1
        return 2 + sum(cut < value for cut in cuts)

    places = 3 + len(cuts) if cuts else 2
    return [place(value) for value in before], [place(value) for value in now], places


@given(NUMBERS, NUMBERS, st.integers(2, 10))
def test_the_index_of_a_number_is_that_of_plain_loops(before, now, bins):
    frames = [pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64, strict=False)}) for values in (before, now)]

    (found,) = population_stability(*frames, bins=bins)["psi"]

    assert found == pytest.approx(psi_by_loops(*number_places(before, now, bins)), abs=1e-12)


@given(WORDS, WORDS)
def test_the_index_of_a_category_is_that_of_plain_loops(before, now):
    seen = sorted({word for word in before if word is not None})
    places = {**{word: number for number, word in enumerate(seen)}, None: len(seen) + 1}
    frames = [pl.DataFrame({"x": pl.Series(values, dtype=pl.String)}) for values in (before, now)]

    row = population_stability(*frames).row(0, named=True)

    numbered = [[places.get(word, len(seen)) for word in words] for words in (before, now)]
    assert row["psi"] == pytest.approx(psi_by_loops(*numbered, len(seen) + 2), abs=1e-12)
    assert row["unseen"] == pytest.approx(sum(word is not None and word not in seen for word in now) / len(now))


def test_equal_frames_have_not_moved_and_a_shift_comes_first():
    rng = np.random.default_rng(0)
    before = pl.DataFrame({"still": rng.normal(size=500), "moved": rng.normal(size=500)})
    after = before.with_columns(pl.col("moved") + 2.0)

    table = population_stability(before, after)

    assert table["feature"].to_list() == ["moved", "still"]
    assert table["psi"][0] > 0.25
    assert table["psi"][1] == 0.0


def test_a_constant_that_becomes_another_one_has_moved_in_both_directions():
    before, below, above = (pl.DataFrame({"x": [value] * 50}) for value in (5, 3, 8))

    assert population_stability(before, below)["psi"].item() > 1.0
    assert population_stability(before, above)["psi"].item() > 1.0


def test_categories_may_be_known_from_elsewhere():
    before = pl.DataFrame({"kind": ["a", "a"]})
    now = pl.DataFrame({"kind": ["a", "b", "c", None]})

    table = population_stability(before, now, known={"kind": ("a", "b")})

    assert table["unseen"].item() == 0.25
    assert table["missing_now"].item() == 0.25


def test_without_rows_nothing_can_be_told():
    before = pl.DataFrame({"x": [1.0, 2.0]})

    row = population_stability(before, before.clear()).row(0, named=True)

    assert (row["psi"], row["missing_now"], row["median_now"]) == (None, None, None)


def test_a_feature_that_one_frame_lacks_is_named():
    with pytest.raises(SchemaError, match="feature 'x' must be in both frames, and is not in the recent one"):
        population_stability(pl.DataFrame({"x": [1]}), pl.DataFrame({"y": [1]}))
