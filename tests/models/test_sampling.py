from __future__ import annotations

import numpy as np
import pytest

from purchase_pred.models.sampling import sample_negatives
from purchase_pred.settings.training import SamplingSettings

LABELS = (np.arange(1_000) % 50 == 0).astype(np.uint8)


def test_every_positive_is_kept_and_the_negatives_are_as_many_as_asked():
    sample = sample_negatives(LABELS, settings=SamplingSettings(negatives_per_positive=3), seed=0)
    kept = LABELS[sample.rows]
    assert (kept.sum(), (kept == 0).sum()) == (20, 60)
    assert (np.diff(sample.rows) > 0).all()


def test_the_weights_give_back_the_prevalence():
    sample = sample_negatives(LABELS, settings=SamplingSettings(negatives_per_positive=3), seed=0)
    assert np.average(LABELS[sample.rows], weights=sample.weights) == pytest.approx(LABELS.mean())
    assert sample.odds_factor == 1.0


def test_without_weights_the_odds_factor_gives_back_the_prevalence():
    asked = SamplingSettings(negatives_per_positive=3, weighted=False)
    sample = sample_negatives(LABELS, settings=asked, seed=0)
    odds = LABELS[sample.rows].sum() / (LABELS[sample.rows] == 0).sum() / sample.odds_factor
    assert odds / (1 + odds) == pytest.approx(LABELS.mean())


@pytest.mark.parametrize("ratio", [None, 49, 1_000])
def test_nothing_is_left_out_when_there_are_no_more_negatives_than_asked(ratio: float | None):
    sample = sample_negatives(LABELS, settings=SamplingSettings(negatives_per_positive=ratio), seed=0)
    assert (sample.rows, sample.weights, sample.odds_factor) == (None, None, 1.0)


def test_the_seed_decides_the_draw():
    asked = SamplingSettings(negatives_per_positive=3)
    first, again, other = (sample_negatives(LABELS, settings=asked, seed=seed).rows for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
