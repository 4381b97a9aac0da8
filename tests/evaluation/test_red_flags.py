from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from frames import START, splits
from sklearn.metrics import roc_auc_score

from purchase_pred.evaluation import adversarial_validation, red_flags, shared_users, single_feature_auc
from purchase_pred.models import FittedModel, train_models
from purchase_pred.settings import Settings

SPLITS = splits()
SETTINGS = Settings.model_validate({"train": {"threads": 1, "models": ["logistic"]}})


def trained(frames: dict[str, pl.DataFrame]) -> FittedModel:
    return train_models(frames["train"], frames["val"], settings=SETTINGS)[0]


def flagged(frames: dict[str, pl.DataFrame]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for check, subject in (
        red_flags(trained(frames), frames, threads=1).filter("flagged").select("check", "subject").rows()
    ):
        found.setdefault(check, []).append(subject)
    return found


def with_columns(**columns: pl.Expr) -> dict[str, pl.DataFrame]:
    return {name: frame.with_columns(**columns) for name, frame in SPLITS.items()}


def test_an_honest_model_raises_no_flag_but_for_few_positives():
    table = red_flags(trained(SPLITS), SPLITS, threads=1)
    assert set(table.filter("flagged")["check"]) == {"few_positives"}
    assert table["check"].unique(maintain_order=True).to_list() == [
        "single_feature_auc",
        "train_test_gap",
        "adversarial_validation",
        "shared_users",
        "few_positives",
    ]


@pytest.mark.parametrize(
    "leak",
    [
        pl.col("label") * 3.0 + pl.col("noise") * 0.1,
        -pl.col("label").cast(pl.Float64),
        pl.when(label=1).then(1.0),
    ],
)
def test_a_feature_that_gives_the_label_away_is_named(leak: pl.Expr):
    assert flagged(with_columns(leak=leak))["single_feature_auc"] == ["leak"]


def test_a_feature_that_is_left_out_raises_no_flag():
    frames = with_columns(leak=pl.col("label") * 3.0 + pl.col("noise") * 0.1)
    asked = SETTINGS.model_copy(update={"train": SETTINGS.train.model_copy(update={"leave_out": ("leak",)})})
    model = train_models(frames["train"], frames["val"], settings=asked)[0]
    table = red_flags(model, frames, threads=1)
    assert table.equals(red_flags(trained(SPLITS), SPLITS, threads=1))


def test_a_category_that_gives_the_label_away_is_named():
    leak = pl.when(label=1).then(pl.lit("b")).otherwise(pl.lit("a")).cast(pl.Enum(["c", "b", "a"]))
    assert flagged(with_columns(leak=leak))["single_feature_auc"] == ["leak"]


def test_single_feature_aucs_are_those_of_scikit_learn():
    train = SPLITS["train"][:2_000]
    aucs = dict(single_feature_auc(train.drop("item_category")).rows())
    expected = roc_auc_score(train["label"], train["user_item_view_count"])
    assert aucs["user_item_view_count"] == pytest.approx(expected, abs=0.02)
    everything = train.filter((pl.col("label") == 1) | (pl.int_range(pl.len()) % 4 == 0))
    aucs = dict(single_feature_auc(everything).rows())
    expected = roc_auc_score(everything["label"], everything["user_item_view_count"])
    assert aucs["user_item_view_count"] == pytest.approx(expected)
    assert aucs["empty"] == 0.5


def test_signal_that_is_gone_in_test_is_a_gap():
    frames = {**SPLITS, "test": SPLITS["test"].with_columns(pl.col("label").shuffle(seed=1))}
    assert "train_test_gap" in flagged(frames)


def test_a_feature_that_drifts_is_found_and_named():
    frames = {**SPLITS, "test": SPLITS["test"].with_columns(pl.col("noise") + 3.0)}
    found = adversarial_validation(frames["train"], frames["test"], threads=1)
    assert found.auc > 0.9
    top = found.features.row(0, named=True)
    assert top["feature"] == "noise"
    assert top["mean_test"] - top["mean_train"] == pytest.approx(3.0, abs=0.1)
    table = red_flags(trained(frames), frames, threads=1).filter(check="adversarial_validation")
    assert table["flagged"].item()
    assert "most telling: noise" in table["meaning"].item()


def test_rows_of_the_same_user_are_not_recognised_by_their_likeness():
    rng = np.random.default_rng(0)
    user = rng.integers(0, 300, 3_000)
    mark = rng.normal(size=300)
    days = [START + timedelta(days=int(day)) for day in rng.integers(0, 9, 3_000)]
    rows = pl.DataFrame({"user_id": user, "prediction_time": days, "label": 0, "mark": mark[user]})
    in_test = pl.col("user_id") < 150
    found = adversarial_validation(rows.filter(~in_test), rows.filter(in_test), threads=1)
    assert found.auc < 0.7


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(hours=1)])
def test_rows_of_the_same_day_or_hour_are_not_recognised_by_what_they_share(step: timedelta):
    rng = np.random.default_rng(0)
    slot = rng.integers(0, 18, 3_000)
    shared = rng.normal(size=18)
    rows = pl.DataFrame(
        {
            "user_id": rng.integers(0, 300, 3_000),
            "prediction_time": [START + int(number) * step for number in slot],
            "label": 0,
            "rate_of_the_day": shared[slot],
        }
    )
    late = pl.col("prediction_time") >= START + 12 * step
    found = adversarial_validation(rows.filter(~late), rows.filter(late), threads=1)
    assert found.auc < 0.85
    assert rows.filter(~late)["rate_of_the_day"].is_in(rows.filter(late)["rate_of_the_day"].implode()).sum() == 0


def test_a_test_of_a_single_hour_cannot_be_held_out_from_itself():
    train, test = (SPLITS[name] for name in ("train", "test"))
    first = test["prediction_time"].min()
    assert adversarial_validation(train, test.filter(pl.col("prediction_time") == first), threads=1) is None


def test_too_few_users_cannot_be_told_apart():
    train, test = (SPLITS[name].filter(pl.col("user_id") < 10) for name in ("train", "test"))
    assert adversarial_validation(train, test) is None


def test_shared_users_are_counted_once_each():
    frames = {
        "train": pl.DataFrame({"user_id": [1, 1, 2, 3]}),
        "val": pl.DataFrame({"user_id": [2, 2, 4]}),
        "test": pl.DataFrame({"user_id": [1, 2, 5, 6]}),
    }
    assert shared_users(frames).rows() == [
        ("train", "val", 1, 0.5),
        ("train", "test", 2, 0.5),
        ("val", "test", 1, 0.25),
    ]
