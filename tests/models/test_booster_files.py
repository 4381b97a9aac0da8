"""Boosters that somebody tampered with are refused before a library follows them, or they predict something finite."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
from frames import splits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from purchase_pred.errors import BundleError
from purchase_pred.models import FittedModel, train_models
from purchase_pred.models.rows.design_matrix import design_matrix
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

SPLITS = splits(rows=2_000)
BOOSTERS = ("xgboost", "lightgbm")
SMALL = {
    "xgboost": {"max_rounds": 4, "max_depth": 3, "min_child_weight": 0},
    "lightgbm": {"max_rounds": 4, "num_leaves": 6, "min_data_in_leaf": 5, "feature_fraction": 1.0},
}


@pytest.fixture(scope="module")
def models() -> dict[str, FittedModel]:
    asked = Settings.model_validate({"train": {"threads": 1, "models": BOOSTERS, **SMALL}})
    return {model.kind: model for model in train_models(SPLITS["train"], SPLITS["val"], settings=asked)}


def read(model: FittedModel, content: bytes) -> None:
    """Read a booster; if it is not refused, it must predict and explain every row with finite numbers."""
    learner = type(model.learner).from_bytes(content, {"positive_weight": 1.0}, model.spec)
    matrix = design_matrix(SPLITS["test"], model.spec)[:50]
    matrix = np.vstack([matrix, np.full_like(matrix[:1], np.nan), np.full_like(matrix[:1], -3e38)])
    assert np.isfinite(learner.log_odds(matrix)).all()
    assert learner.contributions(matrix).shape == (len(matrix), matrix.shape[1] + 1)


def changed_line(key: str, change: Callable[[str], str]) -> Callable[[str], str]:
    """Return what changes the value of the first line of a key, and the length of its tree where it is told."""

    def tamper(text: str) -> str:
        found = re.search(rf"^{key}=(.*)$", text, re.MULTILINE)
        assert found
        new = change(found[1])
        assert new != found[1]
        text = text[: found.start(1)] + new + text[found.end(1) :]
        first, *_ = (int(size) for size in re.search(r"tree_sizes=(.*)", text)[1].split())
        longer = len(new) - len(found[1])
        return text.replace(f"tree_sizes={first} ", f"tree_sizes={first + longer} ", 1)

    return tamper


def first(value: str) -> Callable[[str], str]:
    return lambda line: " ".join([value, *line.split(" ")[1:]])


LIGHTGBM = {
    "a cycle": changed_line("left_child", first("0")),
    "a leaf reached twice": changed_line("left_child", lambda line: " ".join(["-1"] * len(line.split()))),
    "a child beyond the end": changed_line("right_child", first("999999")),
    "a leaf beyond the end": changed_line("right_child", first("-999999")),
    "a child beyond 32 bits": changed_line("right_child", first("4294967295")),
    "too few leaves": changed_line("num_leaves", lambda _: "2"),
    "too many leaves": changed_line("num_leaves", lambda _: "2000000000"),
    "no leaves": changed_line("num_leaves", lambda _: "0"),
    "fewer than no leaves": changed_line("num_leaves", lambda _: "-5"),
    "a feature beyond the end": changed_line("split_feature", first("5000")),
    "a feature before the first": changed_line("split_feature", first("-1")),
    "a threshold that is none": changed_line("threshold", first("nan")),
    "a leaf that is none": changed_line("leaf_value", first("nan")),
    "a leaf without end": changed_line("leaf_value", first("1e999")),
    "a leaf missing": changed_line("leaf_value", lambda line: line.split(" ", 1)[1]),
    "a word for a number": changed_line("leaf_value", first("0x10")),
    "an unknown kind of split": changed_line("decision_type", first("15")),
    "categories that are not there": changed_line("num_cat", lambda _: "3"),
    "a linear tree": changed_line("is_linear", lambda _: "1"),
    "another class": changed_line("num_class", lambda _: "3"),
    "several trees a round": changed_line("num_tree_per_iteration", lambda _: "1000"),
    "other features": changed_line("max_feature_idx", lambda _: "2000000000"),
    "another objective": changed_line("objective", lambda _: "multiclass num_class:3"),
    "sizes that lead elsewhere": lambda text: re.sub(r"tree_sizes=\d+", "tree_sizes=99999999", text),
    "sizes below zero": lambda text: re.sub(r"tree_sizes=\d+", "tree_sizes=-4", text),
    "no trees": lambda text: text[: text.index("Tree=0")],
    "cut off": lambda text: text[: len(text) // 2],
    "one tree twice": lambda text: text.replace("Tree=1", "Tree=0"),
    "categories of pandas": lambda text: text.replace("pandas_categorical:null", 'pandas_categorical:[["a"]]'),
    "a line twice": changed_line("shrinkage", lambda line: line + "\nshrinkage=1"),
}


@pytest.mark.parametrize("name", LIGHTGBM)
def test_a_hostile_booster_of_lightgbm_is_refused(models: dict[str, FittedModel], name: str):
    model = models["lightgbm"]
    text = model.learner.to_bytes().decode()
    tampered = LIGHTGBM[name](text)
    assert tampered != text
    with pytest.raises(
        BundleError, match=r"^booster\.txt is not a booster that LightGBM [0-9.]+ may be given: "
    ) as told:
        read(model, tampered.encode())
    assert "\n" not in str(told.value)


def test_a_hostile_set_of_categories_of_lightgbm_is_refused():
    several = splits(rows=6_000)
    asked = Settings.model_validate({"train": {"threads": 1, "models": ["lightgbm"]}})
    model = train_models(several["train"], several["val"], settings=asked)[0]
    text = model.learner.to_bytes().decode()
    tree = next(part for part in re.split(r"(?m)^(?=Tree=)", text)[1:] if "cat_boundaries" in part)
    for old, new in (("cat_boundaries=0 ", "cat_boundaries=0 9"), ("cat_threshold=", "cat_threshold=-")):
        tampered = text.replace(tree, tree.replace(old, new, 1))
        sizes = [str(len(part.split("end of trees\n")[0])) for part in re.split(r"(?m)^(?=Tree=)", tampered)[1:]]
        tampered = re.sub("tree_sizes=.*", f"tree_sizes={' '.join(sizes)}", tampered)
        with pytest.raises(BundleError, match="cat_"):
            read(model, tampered.encode())


def set_in_tree(key: str, index: int, value: object) -> Callable[[dict], None]:
    def tamper(document: dict) -> None:
        document["learner"]["gradient_booster"]["model"]["trees"][0][key][index] = value

    return tamper


def set_at(*path: str, value: object) -> Callable[[dict], None]:
    def tamper(document: dict) -> None:
        place = document
        for part in path[:-1]:
            place = place[int(part) if isinstance(place, list) else part]
        place[path[-1]] = value

    return tamper


TREE = ("learner", "gradient_booster", "model", "trees", "0")
XGBOOST = {
    "a cycle": set_in_tree("left_children", 1, 0),
    "a node that is its own child": set_in_tree("left_children", 0, 0),
    "a node reached twice": set_in_tree("left_children", 0, 2),
    "a child beyond the end": set_in_tree("right_children", 0, 1_000_000),
    "a child before the first": set_in_tree("right_children", 0, -7),
    "one child": set_in_tree("right_children", 0, -1),
    "a child that is no number": set_in_tree("right_children", 0, 2.0),
    "another parent": set_in_tree("parents", 1, 2),
    "a feature beyond the end": set_in_tree("split_indices", 0, 5_000),
    "a feature before the first": set_in_tree("split_indices", 0, -1),
    "a value that is none": set_in_tree("split_conditions", 0, None),
    "a value without end": set_in_tree("split_conditions", 0, 1e300),
    "an unknown kind of split": set_in_tree("split_type", 0, 7),
    "a default that is neither": set_in_tree("default_left", 0, 5),
    "categories of nobody": set_at(*TREE, "categories", value=[1, 2, 3]),
    "categories that lead elsewhere": set_at(*TREE, "categories_segments", value=[2**40]),
    "sizes below zero": set_at(*TREE, "categories_sizes", value=[-1]),
    "more nodes than there are": set_at(*TREE, "tree_param", "num_nodes", value="100000"),
    "no nodes": set_at(*TREE, "tree_param", "num_nodes", value="0"),
    "deleted nodes": set_at(*TREE, "tree_param", "num_deleted", value="3"),
    "leaves of vectors": set_at(*TREE, "tree_param", "size_leaf_vector", value="64"),
    "another number": set_at(*TREE, "id", value=7),
    "a list missing": set_at(*TREE, "sum_hessian", value=[]),
    "an unknown list": set_at(*TREE, "extra", value=[]),
    "more trees than there are": set_at(*TREE[:3], "gbtree_model_param", "num_trees", value="900000"),
    "several trees a round": set_at(*TREE[:3], "iteration_indptr", value=[0, 4]),
    "trees of another class": set_at(*TREE[:3], "tree_info", value=[0, 0, 0, 9]),
    "another kind of booster": set_at("learner", "gradient_booster", "name", value="dart"),
    "another objective": set_at("learner", "objective", "name", value="multi:softmax"),
    "many classes": set_at("learner", "learner_model_param", "num_class", value="100000"),
    "many features": set_at("learner", "learner_model_param", "num_feature", value="900000000"),
    "no base": set_at("learner", "learner_model_param", "base_score", value="[0E0]"),
    "no features": set_at("learner", "feature_names", value=[]),
    "no version": set_at("version", value=[]),
}


@pytest.mark.parametrize("name", XGBOOST)
def test_a_hostile_booster_of_xgboost_is_refused(models: dict[str, FittedModel], name: str):
    model = models["xgboost"]
    document = json.loads(model.learner.to_bytes())
    XGBOOST[name](document)
    with pytest.raises(
        BundleError, match=r"^booster\.json is not a booster that XGBoost [0-9.]+ may be given: "
    ) as told:
        read(model, json.dumps(document).encode())
    assert "\n" not in str(told.value)


def test_a_category_that_is_not_there_is_refused(models: dict[str, FittedModel]):
    model = models["xgboost"]
    document = json.loads(model.learner.to_bytes())
    trees = document["learner"]["gradient_booster"]["model"]["trees"]
    tree = next(tree for tree in trees if tree["categories"])
    tree["categories"][0] = 2_000_000_000
    with pytest.raises(BundleError, match="categories must hold whole numbers from 0 to 4"):
        read(model, json.dumps(document).encode())


@pytest.mark.parametrize("kind", BOOSTERS)
def test_an_untouched_booster_is_read(models: dict[str, FittedModel], kind: str):
    read(models[kind], models[kind].learner.to_bytes())


@pytest.mark.parametrize("alphabet", [bytes(range(256)), b"0123456789-"])
@pytest.mark.parametrize("kind", BOOSTERS)
@given(drawn=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_booster_with_other_bytes_is_refused_or_harmless(
    models: dict[str, FittedModel], kind: str, alphabet: bytes, drawn: st.DataObject
):
    """Bytes at random seldom leave numbers numbers; digits in place of digits do."""
    content = bytearray(models[kind].learner.to_bytes())
    places = [place for place, byte in enumerate(content) if byte in alphabet]
    changes = st.tuples(st.integers(0, len(places) - 1), st.sampled_from(alphabet))
    for place, value in drawn.draw(st.lists(changes, min_size=1, max_size=3)):
        content[places[place]] = value
    with suppress(BundleError):
        read(models[kind], bytes(content))
