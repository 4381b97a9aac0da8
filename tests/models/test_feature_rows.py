"""Feature rows in blocks: a file, a lazy frame and a frame in memory give the same rows, matrices and probabilities."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from frames import splits
from polars.testing import assert_frame_equal

from purchase_pred.evaluation import ScoredSplit, evaluate, sample_rows, scored_splits
from purchase_pred.models import train_models
from purchase_pred.models.rows import feature_rows
from purchase_pred.models.rows.design_matrix import design_matrix, feature_spec, label_vector
from purchase_pred.models.rows.feature_rows import columns_of, matrix_of, row_blocks, take_rows
from purchase_pred.models.rows.room import LEAST_ROWS, most_rows, room_beside
from purchase_pred.models.rows.row_keys import row_draws
from purchase_pred.models.rows.row_labels import RowLabels
from purchase_pred.models.rows.sampling import sample_negatives, thinned
from purchase_pred.models.training import train_and_score
from purchase_pred.settings import Settings
from purchase_pred.settings.training import SamplingSettings

SPLITS = splits(rows=900)
SETTINGS = Settings.model_validate(
    {
        "train": {
            "models": ["logistic", "lightgbm"],
            "threads": 1,
            "lightgbm": {"max_rounds": 10},
            "threshold": {"resamples": 0},
        }
    }
)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_rows, "BLOCK_ROWS", 100)
    monkeypatch.setattr(feature_rows.row_blocks, "__kwdefaults__", {"size": 100})
    for name, frame in SPLITS.items():
        frame.write_parquet(tmp_path / f"{name}.parquet", row_group_size=64)
    return {name: pl.scan_parquet(tmp_path / f"{name}.parquet") for name in SPLITS}


def test_blocks_of_a_file_are_its_rows_in_their_order(files):
    blocks = list(row_blocks(files["train"], size=70))
    assert max(block.height for block in blocks) <= 70
    assert_frame_equal(pl.concat(blocks), SPLITS["train"])


def test_rows_taken_from_a_file_are_those_of_the_frame(files):
    numbers = np.array([0, 63, 64, 65, 199, SPLITS["train"].height - 1])
    assert_frame_equal(take_rows(files["train"], numbers), SPLITS["train"][numbers])
    assert take_rows(files["train"], np.empty(0, dtype=np.intp)).is_empty()


def test_the_matrix_of_a_file_is_that_of_the_frame(files):
    spec = feature_spec(SPLITS["train"])
    expected = design_matrix(SPLITS["train"], spec)
    assert np.array_equal(matrix_of(files["train"], spec), expected, equal_nan=True)
    some = np.arange(5, 300, 7)
    assert np.array_equal(matrix_of(files["train"], spec, numbers=some), expected[some], equal_nan=True)


def test_models_trained_and_judged_from_files_are_those_of_the_frames_in_memory(files):
    found = []
    for parts in (SPLITS, files):
        models = train_models(parts["train"], parts["val"], settings=SETTINGS)
        documents = [evaluate(model, parts, settings=SETTINGS, logistic=models[0]) for model in models]
        found.append((models, documents))
    (in_memory, documents), (from_files, others) = found
    assert documents == others
    for one, other in zip(in_memory, from_files, strict=True):
        assert one.learner.to_bytes() == other.learner.to_bytes()
        assert (one.calibrator, one.training) == (other.calibrator, other.training)
        assert np.array_equal(one.predict(SPLITS["test"]), other.predict(files["test"]))


def test_a_scored_split_keeps_no_feature_but_what_rules_and_cohorts_read(files):
    models = train_models(SPLITS["train"], SPLITS["val"], settings=SETTINGS)
    scored = scored_splits(models, files)
    assert set(scored["test"].rows.columns) < set(SPLITS["test"].columns)
    for model in models:
        assert np.array_equal(scored["test"].probabilities(model), model.predict(SPLITS["test"]))
    assert scored_splits(models, scored) == scored


@pytest.mark.parametrize("refit", [False, True])
def test_log_odds_of_validation_are_those_that_training_found(files, refit):
    chosen = SETTINGS.model_copy(update={"train": SETTINGS.train.model_copy(update={"refit": refit})})
    models, found = train_and_score(SPLITS["train"], files["val"], settings=chosen)
    asked = scored_splits(models, {"val": files["val"]})["val"]
    told = scored_splits(models, {"val": files["val"]}, known={"val": found})["val"]
    assert told.rows.equals(asked.rows)
    for model in models:
        assert np.array_equal(asked.log_odds[model.name], found[model.name])
        assert told.log_odds[model.name] is found[model.name]


def test_a_sample_for_the_report_is_read_from_the_file_once(files):
    split = ScoredSplit(SPLITS["test"], files["test"], {}, {})
    assert split.sample(40).equals(sample_rows(SPLITS["test"], rows=40))
    assert split.sample(40) is split.sample(40)
    assert split.sample(30).height == 30


def test_room_grows_with_the_memory_and_never_leaves_less_than_enough_to_learn():
    assert most_rows("xgboost", 100, 1) == LEAST_ROWS
    assert most_rows("xgboost", 100, 8_000_000_000) == pytest.approx(
        2 * most_rows("xgboost", 100, 4_000_000_000), rel=1e-4
    )
    assert most_rows("lightgbm", 100, 4_000_000_000) < most_rows("logistic", 100, 4_000_000_000)


def test_thinned_samples_lie_within_each_other_and_keep_the_odds():
    labels = label_vector(columns_of(SPLITS["train"], ("label",)))
    draws = row_draws(SPLITS["train"])
    sample = sample_negatives(labels, draws, settings=SamplingSettings(negatives_per_positive=3))
    large, small = (thinned(sample, labels, draws, most=int(share * len(sample.rows))) for share in (0.7, 0.4))
    assert set(small.rows) < set(large.rows) < set(sample.rows)
    for one in (large, small):
        odds = labels[one.rows].mean() / (1 - labels[one.rows].mean())
        assert odds / one.odds_factor == pytest.approx(labels.mean() / (1 - labels.mean()))
    assert thinned(sample, labels, draws, most=len(sample.rows)) is sample


def test_a_tight_memory_trains_on_fewer_rows_and_says_so():
    models = train_models(*(pl.concat([SPLITS[name]] * 20) for name in ("train", "val")), settings=SETTINGS, memory=1)
    for model in models:
        assert model.training["rows_fitted"] < 1.5 * LEAST_ROWS
        assert "more do not fit the memory" in model.training["sampling"]["why"]


def test_a_learner_beside_others_learns_from_the_rows_that_it_would_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("purchase_pred.models.rows.room.LEAST_ROWS", 10)
    train, val = SPLITS["train"], SPLITS["val"]

    def trained(*kinds: str):
        chosen = SETTINGS.model_copy(update={"train": SETTINGS.train.model_copy(update={"models": kinds})})
        return train_models(train, val, settings=chosen, memory=80_000)

    for together in (trained("lightgbm", "logistic"), trained("logistic", "lightgbm")):
        rows = {model.kind: model.training["rows_fitted"] for model in together}
        assert 100 < rows["lightgbm"] < rows["logistic"] < train.height
        for model in together:
            (alone,) = trained(model.kind)
            assert alone.training["rows_fitted"] == rows[model.kind]
            assert np.array_equal(alone.predict(SPLITS["test"]), model.predict(SPLITS["test"]))


def test_labels_and_draws_of_all_rows_leave_less_room_for_those_learnt_from(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("purchase_pred.models.rows.room.LEAST_ROWS", 10)
    train, val = (
        pl.concat([SPLITS[name].with_columns(pl.col("user_id") + 1_000_000 * copy) for copy in range(4)])
        for name in ("train", "val")
    )
    left = 20_000
    beside = left - room_beside(RowLabels.of(train), RowLabels.of(val), memory=left)
    assert beside > 2 * left
    for model in train_models(train, val, settings=SETTINGS, memory=left + beside):
        room = most_rows(model.kind, len(model.spec.features), left)
        assert 0.8 * room < model.training["rows_fitted"] < 1.2 * room < train.height
