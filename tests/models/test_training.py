from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from frames import feature_frame, splits, with_many_categories
from sklearn.metrics import average_precision_score

from purchase_pred.errors import BundleError, ConfigError, UnsupportedTargetError
from purchase_pred.models import FittedModel, best_model, design_matrix, train_models
from purchase_pred.settings import Settings

KINDS = ("logistic", "xgboost", "lightgbm")
SPLITS = splits()


def settings(**train: object) -> Settings:
    return Settings.model_validate({"train": {"threads": 1, **train}})


@pytest.fixture(scope="module")
def models() -> dict[str, FittedModel]:
    return {model.kind: model for model in train_models(SPLITS["train"], SPLITS["val"], settings=settings())}


def test_models_come_in_the_order_of_the_settings():
    asked = settings(models=["lightgbm", "logistic"])
    assert [model.kind for model in train_models(SPLITS["train"], SPLITS["val"], settings=asked)] == [
        "lightgbm",
        "logistic",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_learner_finds_the_signal(models: dict[str, FittedModel], kind: str):
    test = SPLITS["test"]
    scores = models[kind].predict(test)
    assert scores.shape == (test.height,)
    assert ((scores > 0) & (scores < 1)).all()
    assert average_precision_score(test["label"], scores) > 4 * test["label"].mean()


@pytest.mark.parametrize("kind", KINDS)
def test_two_threads_give_the_same_model_every_time(kind: str):
    asked = settings(models=[kind], threads=2)
    first, second = (train_models(SPLITS["train"], SPLITS["val"], settings=asked)[0] for _ in range(2))
    assert (first.predict(SPLITS["test"]) == second.predict(SPLITS["test"])).all()


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_probabilities_and_not_inflated_by_class_weights(models: dict[str, FittedModel], kind: str):
    test = SPLITS["test"]
    assert models[kind].predict(test).mean() == pytest.approx(test["label"].mean(), rel=0.3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("positive_weight", ["balanced", "sqrt", "none"])
def test_class_weights_are_taken_back_before_any_calibration(kind: str, positive_weight: str):
    asked = settings(models=[kind], calibration={"method": "none"}, **{kind: {"positive_weight": positive_weight}})
    model = train_models(SPLITS["train"], SPLITS["val"], settings=asked)[0]
    train = SPLITS["train"]
    assert model.predict(train).mean() == pytest.approx(train["label"].mean(), rel=0.5)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_sampled_negatives_leave_the_probabilities_where_they_were(kind: str, *, weighted: bool):
    asked = settings(
        models=[kind],
        calibration={"method": "none"},
        sampling={"negatives_per_positive": 5, "weighted": weighted},
        xgboost={"positive_weight": "none"},
    )
    model = train_models(SPLITS["train"], SPLITS["val"], settings=asked)[0]
    assert model.training["rows_fitted"] == pytest.approx(6 * model.training["positives"], rel=0.15)
    assert model.training["sampling"]["kept"] == model.training["rows_fitted"]
    assert model.predict(SPLITS["test"]).mean() == pytest.approx(SPLITS["test"]["label"].mean(), rel=0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_frames_and_settings_give_equal_models(models: dict[str, FittedModel], kind: str):
    again = train_models(SPLITS["train"], SPLITS["val"], settings=settings(models=[kind]))[0]
    assert again.learner.to_bytes() == models[kind].learner.to_bytes()
    assert np.array_equal(again.predict(SPLITS["test"]), models[kind].predict(SPLITS["test"]))


@pytest.mark.parametrize("kind", KINDS)
def test_another_validation_set_changes_no_coefficient_and_no_tree_that_both_kept(kind: str):
    one = settings(models=[kind], xgboost={"max_rounds": 5}, lightgbm={"max_rounds": 5}, early_stopping_rounds=5)
    other_val = feature_frame(3_000, seed=99, first_day=10, days=5, intercept=-2.0)
    first, second = (train_models(SPLITS["train"], val, settings=one)[0].learner for val in (SPLITS["val"], other_val))
    matrix = design_matrix(SPLITS["test"], first.spec)
    if kind == "logistic":
        assert first.to_bytes() == second.to_bytes()
    else:
        rounds = min(first.rounds, second.rounds)
        name = {"xgboost": "iteration_range", "lightgbm": "num_iteration"}[kind]
        limit = {name: (0, rounds) if kind == "xgboost" else rounds}
        predict = "inplace_predict" if kind == "xgboost" else "predict"
        assert np.array_equal(*(getattr(learner.booster, predict)(matrix, **limit) for learner in (first, second)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_prediction_depends_on_its_own_row_alone(models: dict[str, FittedModel], kind: str):
    test = SPLITS["test"]
    whole = models[kind].predict(test)
    assert np.array_equal(models[kind].predict(test[100:110]), whole[100:110])
    assert np.array_equal(models[kind].predict(test.reverse()), whole[::-1])
    assert models[kind].predict(test.clear()).shape == (0,)


@pytest.mark.parametrize("kind", KINDS)
def test_keys_and_label_are_not_needed_to_predict(models: dict[str, FittedModel], kind: str):
    features = SPLITS["test"].select(models[kind].spec.names)
    assert np.array_equal(models[kind].predict(features), models[kind].predict(SPLITS["test"]))


@pytest.mark.parametrize("kind", KINDS)
def test_columns_in_another_order_are_refused(models: dict[str, FittedModel], kind: str):
    with pytest.raises(BundleError, match="order differs"):
        models[kind].predict(SPLITS["test"].select(reversed(SPLITS["test"].columns)))


@pytest.mark.parametrize("kind", KINDS)
def test_contributions_add_up_to_the_log_odds(models: dict[str, FittedModel], kind: str):
    learner = models[kind].learner
    matrix = design_matrix(SPLITS["test"], learner.spec)
    parts = learner.contributions(matrix)
    assert parts.shape == (len(matrix), len(learner.spec.features) + 1)
    np.testing.assert_allclose(parts.sum(axis=1), learner.log_odds(matrix), atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_gains_name_the_features_that_matter(models: dict[str, FittedModel], kind: str):
    gains = dict(zip(models[kind].spec.names, models[kind].learner.gains(), strict=True))
    assert gains["user_item_view_count"] > gains["noise"]
    assert gains["user_item_in_cart"] > gains["item_has_discount"]
    assert gains["empty"] == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_category_of_a_thousand_trains_and_takes_what_it_has_never_seen(kind: str):
    train, val = (with_many_categories(SPLITS[split], known=800) for split in ("train", "val"))
    test = with_many_categories(SPLITS["test"], known=1_000)
    model = train_models(train, val, settings=settings(models=[kind]))[0]
    scores = model.predict(test)
    assert np.isfinite(scores).all()
    assert average_precision_score(test["label"], scores) > 3 * test["label"].mean()


def test_lightgbm_splits_a_log_of_a_few_hundred_rows():
    train = feature_frame(400, seed=1, intercept=-3.0)
    model = train_models(train, SPLITS["val"], settings=settings(models=["lightgbm"]))[0]
    assert model.learner.gains().sum() > 0
    assert (
        average_precision_score(SPLITS["test"]["label"], model.predict(SPLITS["test"]))
        > 2 * SPLITS["test"]["label"].mean()
    )


def test_a_monotone_constraint_holds_in_both_boosters():
    asked = settings(models=["xgboost", "lightgbm"], monotone={"user_item_view_count": 1, "noise": -1})
    frame = SPLITS["test"][:1]
    views = pl.concat([frame.with_columns(pl.lit(n, dtype=pl.UInt32).alias("user_item_view_count")) for n in range(12)])
    for model in train_models(SPLITS["train"], SPLITS["val"], settings=asked):
        assert (np.diff(model.predict(views)) >= 0).all()
        assert model.predict(views)[-1] > model.predict(views)[0]


def test_features_of_different_interaction_groups_never_meet_in_a_branch():
    asked = settings(
        models=["xgboost", "lightgbm"],
        interactions=[["user_item_view_count"]],
        calibration={"method": "none"},
    )
    frame = SPLITS["test"][:400]
    for model in train_models(SPLITS["train"], SPLITS["val"], settings=asked):
        few, many = (
            model.log_odds(frame.with_columns(pl.lit(n, dtype=pl.UInt32).alias("user_item_view_count"))) for n in (0, 8)
        )
        np.testing.assert_allclose(many - few, (many - few)[0], atol=1e-5)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"monotone": {"user_item_view_cuont": 1}}, "did you mean 'user_item_view_count'"),
        ({"monotone": {"item_category": 1}}, "is a category"),
        ({"interactions": [["nothing like it"]]}, "train.interactions: no feature is called"),
        ({"monotone": {"noise": 1}, "leave_out": ["n*"]}, "train.monotone: 'noise' is left out of the models by"),
        ({"leave_out": ["niose"]}, "train.leave_out: no feature is called 'niose'; did you mean 'noise'"),
    ],
)
def test_a_setting_that_names_a_feature_that_is_not_there_is_an_error(train: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        train_models(SPLITS["train"], SPLITS["val"], settings=settings(models=["xgboost"], **train))


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_without_a_column_is_the_model_of_a_frame_without_it(kind: str):
    left = train_models(SPLITS["train"], SPLITS["val"], settings=settings(models=[kind], leave_out=["*_in_cart"]))[0]
    train, val, test = (SPLITS[name].drop("user_item_in_cart") for name in ("train", "val", "test"))
    dropped = train_models(train, val, settings=settings(models=[kind]))[0]
    assert left.learner.to_bytes() == dropped.learner.to_bytes()
    assert np.array_equal(left.predict(SPLITS["test"]), dropped.predict(test))


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda frame: frame.clear(), "has no rows"),
        (lambda frame: frame.with_columns(label=pl.lit(0, dtype=pl.UInt8)), "found 0 of"),
        (lambda frame: frame.with_columns(label=pl.lit(1, dtype=pl.UInt8)), "needs positive rows and others"),
    ],
)
def test_a_split_that_cannot_be_learnt_from_is_refused_with_a_cure(split: str, spoil, message: str):
    frames = {**SPLITS, split: spoil(SPLITS[split])}
    with pytest.raises(UnsupportedTargetError, match=message):
        train_models(frames["train"], frames["val"], settings=settings())


def test_a_validation_with_two_positives_still_gives_models_and_says_that_their_scores_are_left_alone():
    val = SPLITS["val"].with_columns(label=(pl.int_range(pl.len()) < 2).cast(pl.UInt8))
    for model in train_models(SPLITS["train"], val, settings=settings()):
        assert model.training["stop_rows"] == model.training["calibration_rows"] == val.height
        assert np.isfinite(model.predict(SPLITS["test"])).all()
        assert model.training["calibration"]["left_alone"]
        assert "2 of 3,000 rows to calibrate on are positive" in model.training["calibration"]["why"]


@pytest.mark.parametrize("min_positives", [1, 100_000])
def test_a_validation_of_one_prediction_time_is_cut_by_user_and_calibrates(min_positives: int):
    val = SPLITS["val"].with_columns(pl.col("prediction_time").first())
    asked = settings(models=["lightgbm"], calibration={"min_positives": min_positives})
    training = train_models(SPLITS["train"], val, settings=asked)[0].training
    assert training["calibration"]["why"] == "least log-loss on other users"
    assert set(training["calibration_log_loss"]) == {"none", "temperature", "platt", "beta", "isotonic"}
    whole = min_positives > val["label"].sum()
    assert (training["stop_rows"] + training["calibration_rows"] == val.height) != whole


def test_names_that_the_boosters_refuse_are_no_obstacle():
    renamed = [
        SPLITS[split].rename({"noise": 'a [b] <c> "d", e:{}', "empty": "été"}) for split in ("train", "val", "test")
    ]
    for model in train_models(renamed[0], renamed[1], settings=settings()):
        assert np.isfinite(model.predict(renamed[2])).all()


def test_models_are_named_by_kind_and_moment():
    asked = settings(models=["logistic"])
    moment = datetime(2024, 8, 1, 12, 30, 5, tzinfo=UTC)
    named = train_models(SPLITS["train"], SPLITS["val"], settings=asked, trained_at=moment)
    assert named[0].name == "logistic_20240801_123005"


def test_the_best_model_is_the_one_with_the_best_average_precision_on_validation(models: dict[str, FittedModel]):
    val = SPLITS["val"]
    found = {kind: average_precision_score(val["label"], model.log_odds(val)) for kind, model in models.items()}
    assert best_model(list(models.values())).kind == max(found, key=found.__getitem__)
