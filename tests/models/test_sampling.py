from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from frames import feature_frame

from purchase_pred.models.rows import sampling
from purchase_pred.models.rows.row_keys import row_draws
from purchase_pred.models.rows.sampling import Sample, sample_negatives
from purchase_pred.settings.training import SamplingSettings

LABELS = (np.arange(20_000) % 50 == 0).astype(np.uint8)
DRAWS = row_draws(pl.DataFrame({"user_id": np.arange(20_000)}))


def sample(ratio: Any, *, labels: np.ndarray = LABELS, draws: np.ndarray = DRAWS, weighted: bool = False) -> Sample:
    asked = SamplingSettings(negatives_per_positive=ratio, weighted=weighted)
    return sample_negatives(labels, draws, settings=asked)


def test_every_positive_is_kept_and_about_as_many_negatives_as_asked():
    found = sample(3)
    kept = LABELS[found.rows]
    assert kept.sum() == LABELS.sum()
    assert (kept == 0).sum() == pytest.approx(3 * LABELS.sum(), rel=0.1)
    assert (np.diff(found.rows) > 0).all()


def test_the_weights_give_back_the_prevalence():
    found = sample(3, weighted=True)
    assert np.average(LABELS[found.rows], weights=found.weights) == pytest.approx(LABELS.mean())
    assert found.odds_factor == 1.0


def test_without_weights_the_odds_factor_gives_back_the_prevalence():
    found = sample(3)
    odds = LABELS[found.rows].sum() / (LABELS[found.rows] == 0).sum() / found.odds_factor
    assert odds / (1 + odds) == pytest.approx(LABELS.mean())


@pytest.mark.parametrize("ratio", [None, 49, 1_000, "auto"])
def test_nothing_is_left_out_when_there_are_no_more_negatives_than_asked_or_few_rows(ratio: Any):
    found = sample(ratio)
    assert (found.rows, found.weights, found.odds_factor) == (None, None, 1.0)
    assert found.facts["kept"] == found.facts["rows"] == len(LABELS)


@pytest.mark.parametrize(("full_rows", "kept"), [(19_999, 11), (20_000, 50)])
def test_auto_keeps_ten_negatives_for_each_positive_of_many_rows(
    monkeypatch: pytest.MonkeyPatch, full_rows: int, kept: int
):
    monkeypatch.setattr(sampling, "FULL_ROWS", full_rows)
    found = sample("auto")
    assert found.facts["kept"] == pytest.approx(kept * LABELS.sum(), rel=0.05)
    assert f"{full_rows:,}" in found.facts["why"] or "10 negatives for each of 400 positives" in found.facts["why"]


def test_a_row_is_kept_or_not_whatever_the_order_and_the_rest_of_the_frame():
    frame = feature_frame(4_000, seed=3)
    labels, draws = frame["label"].to_numpy(), row_draws(frame)
    order = np.random.default_rng(0).permutation(len(labels))
    turned = sample(5, labels=labels[order], draws=row_draws(frame[order]))
    assert set(order[turned.rows]) == set(sample(5, labels=labels, draws=draws).rows)
    shards = np.concatenate([row_draws(frame[:1_500]), row_draws(frame[1_500:])])
    assert np.array_equal(shards, draws)


def test_one_negative_at_least_is_kept():
    found = sample(0.000_1)
    assert (LABELS[found.rows] == 0).sum() == 1
