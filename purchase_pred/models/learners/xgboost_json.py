"""XGBoost's JSON format, read before XGBoost does: its trees trust every index in it."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field

from purchase_pred.errors import BundleError
from purchase_pred.models.learners.learner import native_names
from purchase_pred.models.learners.trees import check_tree, finite_numbers, whole_numbers
from purchase_pred.models.saved_json import SavedPart, checked, read_json_object

if TYPE_CHECKING:
    from purchase_pred.models.rows.spec import FeatureSpec

_NOBODY: Final = 2**31 - 1
"""Parent of the first node."""
_NO_CHILD: Final = -1
_LARGEST_FLOAT: Final = float(np.finfo(np.float32).max)
_NUMBER = r"-?[0-9]{1,50}(\.[0-9]{1,50})?(E[-+]?[0-9]{1,3})?"
_Digits = Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]


class _Exact(SavedPart):
    """A part that XGBoost reads, of which nothing may go unchecked."""

    model_config = SavedPart.model_config | {"extra": "forbid"}


class _TreeParameters(_Exact):
    num_deleted: Literal["0"]
    num_feature: _Digits
    num_nodes: _Digits
    size_leaf_vector: Literal["1"]


class _Tree(_Exact):
    base_weights: list[float]
    categories: list[int]
    categories_nodes: list[int]
    categories_segments: list[int]
    categories_sizes: list[int]
    default_left: list[int]
    id: int
    left_children: list[int]
    loss_changes: list[float]
    parents: list[int]
    right_children: list[int]
    split_conditions: list[float]
    split_indices: list[int]
    split_type: list[int]
    sum_hessian: list[float]
    tree_param: _TreeParameters


class _ForestParameters(_Exact):
    num_parallel_tree: Literal["1"]
    num_trees: _Digits


class _Categories(_Exact):
    enc: Annotated[list[Any], Field(max_length=0)]
    feature_segments: Annotated[list[Any], Field(max_length=0)]
    sorted_idx: Annotated[list[Any], Field(max_length=0)]


class _Forest(_Exact):
    cats: _Categories | None = None
    gbtree_model_param: _ForestParameters
    iteration_indptr: list[int]
    tree_info: list[int]
    trees: list[_Tree]


class _Booster(_Exact):
    model: _Forest
    name: Literal["gbtree"]


class _Loss(_Exact):
    scale_pos_weight: Annotated[str, Field(pattern=f"^{_NUMBER}$")]


class _Objective(_Exact):
    name: Literal["binary:logistic"]
    reg_loss_param: _Loss


class _Parameters(_Exact):
    base_score: Annotated[str, Field(pattern=rf"^(\[{_NUMBER}\]|{_NUMBER})$")]
    boost_from_average: Literal["0", "1"]
    num_class: Literal["0"]
    num_feature: _Digits
    num_target: Literal["1"]


class _Learner(_Exact):
    attributes: dict[str, str]
    feature_names: list[str]
    feature_types: list[Literal["q", "c"]]
    gradient_booster: _Booster
    learner_model_param: _Parameters
    objective: _Objective


class _Model(_Exact):
    learner: _Learner
    version: Annotated[list[Annotated[int, Field(ge=0, le=10_000)]], Field(min_length=3, max_length=3)]


def check_xgboost_json(content: bytes, spec: FeatureSpec, name: str, /) -> bytes:
    """Return JSON of a booster of these features whose every tree XGBoost can follow to an end.

    It is written anew from what was checked, so that XGBoost reads nothing in another way than it was read here; the
    numbers are the same.

    Raises
    ------
    BundleError
        It is no such JSON; says which tree and which of its lists does not fit.
    """
    found = read_json_object(content, name)
    learner = checked(_Model, found, name).learner
    forest, width = learner.gradient_booster.model, str(len(spec.features))
    types = ["q" if feature.categories is None else "c" for feature in spec.features]
    if (learner.feature_names, learner.feature_types) != (native_names(spec), types):
        raise BundleError("it holds a booster of other features than model.json says: train again")
    if {learner.learner_model_param.num_feature, *(tree.tree_param.num_feature for tree in forest.trees)} != {width}:
        raise BundleError(f"its num_feature must be {width} everywhere")
    count = len(forest.trees)
    if (forest.gbtree_model_param.num_trees, forest.tree_info) != (str(count), [0] * count):
        raise BundleError(f"its num_trees and tree_info must be of {count:,} trees of one class")
    if forest.iteration_indptr != list(range(count + 1)):
        raise BundleError("its iteration_indptr must give each round one tree")
    if not 0.0 < float(re.sub(r"[\[\]]", "", learner.learner_model_param.base_score)) < 1.0:
        raise BundleError("its base_score must be a probability")
    for number, tree in enumerate(forest.trees):
        _check_tree(tree, number, spec)
    return json.dumps(found, allow_nan=False).encode()


def _check_tree(tree: _Tree, number: int, spec: FeatureSpec) -> None:
    name, nodes = f"tree {number}", int(tree.tree_param.num_nodes)
    if tree.id != number or not nodes:
        raise BundleError(f"{name}: must be numbered so and have nodes, found id {tree.id} and {nodes} nodes")
    for key in ("base_weights", "loss_changes", "split_conditions", "sum_hessian"):
        values = finite_numbers(getattr(tree, key), f"{name}: {key}", count=nodes)
        if (np.abs(values) > _LARGEST_FLOAT).any():
            raise BundleError(f"{name}: {key} must hold finite numbers of single precision")

    def whole(key: str, low: int, high: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        return whole_numbers(getattr(tree, key), f"{name}: {key}", count=nodes, low=low, high=high)

    whole("default_left", 0, 1)
    features = whole("split_indices", 0, len(spec.features) - 1)
    by_category = whole("split_type", 0, 1) == 1
    left, right = (whole(key, _NO_CHILD, nodes - 1) for key in ("left_children", "right_children"))
    parents = whole("parents", 0, _NOBODY)
    splits = np.flatnonzero(left != _NO_CHILD)
    if not np.array_equal(splits, np.flatnonzero(right != _NO_CHILD)):
        raise BundleError(f"{name}: a node must have two children or none")
    children, above = np.concatenate([left[splits], right[splits]]), np.tile(splits, 2)
    check_tree(above, children, name, nodes=nodes)
    if parents[0] != _NOBODY or not np.array_equal(parents[children], above):
        raise BundleError(f"{name}: parents must be those whose children the nodes are")
    _check_categories(tree, name, splits[by_category[splits]], features, spec)
    if by_category.sum() != by_category[splits].sum():
        raise BundleError(f"{name}: only a node with children can split by category")


def _check_categories(
    tree: _Tree,
    name: str,
    nodes: np.ndarray[Any, np.dtype[np.int64]],
    features: np.ndarray[Any, np.dtype[np.int64]],
    spec: FeatureSpec,
) -> None:
    """Check that each node that splits by category names categories that its feature has."""
    sizes = tree.categories_sizes
    starts = [0, *accumulate(sizes)]
    if (
        tree.categories_nodes != nodes.tolist()
        or min(sizes, default=1) < 1
        or tree.categories_segments != starts[:-1]
        or starts[-1] != len(tree.categories)
        or len(sizes) != len(nodes)
    ):
        raise BundleError(f"{name}: every split by category, and no other, must have categories of its own")
    for node, start, size in zip(nodes.tolist(), starts, sizes, strict=False):
        known = spec.features[int(features[node])].categories or ()
        high = len(known) - 1
        whole_numbers(tree.categories[start : start + size], f"{name}: categories", count=size, low=0, high=high)
