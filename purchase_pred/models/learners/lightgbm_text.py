"""LightGBM's text format, read before LightGBM does: its parser and its trees trust every number in it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from purchase_pred.errors import BundleError
from purchase_pred.models.learners.learner import native_names
from purchase_pred.models.learners.trees import check_tree, finite_numbers, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.models.rows.spec import FeatureSpec

_TREE: Final = re.compile(r"^(?=Tree=)", re.MULTILINE)
_INTEGER: Final = re.compile(r"-?[0-9]{1,10}")
_REAL: Final = re.compile(r"-?[0-9]{1,400}(\.[0-9]{0,400})?([eE][-+]?[0-9]{1,4})?")
_THRESHOLD: Final = re.compile(rf"-?inf|{_REAL.pattern}")
"""Beyond every number lies the threshold that parts those missing from all others."""
_END: Final = "end of trees\n"
_TAIL: Final = re.compile(r"[\n -~]*\npandas_categorical:(null|\[\])\n*")
_HEADER: Final = {"version": "v4", "num_class": "1", "num_tree_per_iteration": "1"}
_BINARY: Final = "binary sigmoid:1"
_KEYS: Final = frozenset({
    "Tree", "num_leaves", "num_cat", "split_feature", "split_gain", "threshold", "decision_type", "left_child",
    "right_child", "leaf_value", "leaf_weight", "leaf_count", "internal_value", "internal_weight", "internal_count",
    "is_linear", "shrinkage",
})  # fmt: skip
_CATEGORY_KEYS: Final = frozenset({"cat_boundaries", "cat_threshold"})
_MOST: Final = 2**31 - 1
_CATEGORY_BITS: Final = 32


def check_lightgbm_text(content: bytes, spec: FeatureSpec, /, *, objective: str = _BINARY) -> str:
    """Return the text of a booster of these features and that objective whose every tree LightGBM can follow to an end.

    Raises
    ------
    BundleError
        It is no such text; says which tree and which of its lines does not fit.
    """
    try:
        head, *trees = _TREE.split(content.decode("ascii"))
    except UnicodeDecodeError as error:
        raise BundleError("it must be ASCII text") from error
    if not trees or _END not in trees[-1]:
        raise BundleError("it must hold trees and their end")
    trees[-1], _, tail = trees[-1].partition(_END)
    _check_header(head, trees, spec, objective)
    for number, tree in enumerate(trees):
        found = _lines(tree, f"tree {number}")
        if found.get("Tree") != str(number):
            raise BundleError(f"tree {number}: must be numbered so, found {found.get('Tree')}")
        _check_tree(found, f"tree {number}", spec)
    if not _TAIL.fullmatch(tail):
        raise BundleError("behind the trees must stand what LightGBM writes, and no categories of pandas")
    return content.decode("ascii")


def _check_header(head: str, trees: list[str], spec: FeatureSpec, objective: str) -> None:
    first, _, rest = head.partition("\n")
    found, names = _lines(rest, "the header"), native_names(spec)
    required = {
        **_HEADER,
        "objective": objective,
        "max_feature_idx": str(len(names) - 1),
        "feature_names": " ".join(names),
    }
    if found.get("feature_names") != required["feature_names"]:
        raise BundleError("it holds a booster of other features than model.json says: train again")
    wrong = [f"{key}={value}" for key, value in required.items() if found.get(key) != value]
    if first != "tree" or wrong:
        raise BundleError(f"its header must say {', '.join(wrong) or 'tree'}")
    # LightGBM jumps by these from tree to tree.
    if found.get("tree_sizes") != " ".join(str(len(tree)) for tree in trees):
        raise BundleError("its tree_sizes must be the lengths of its trees")


def _check_tree(found: Mapping[str, str], name: str, spec: FeatureSpec) -> None:
    (leaves,), (categorical,) = (
        whole_numbers(_integers(found, key, name), f"{name}: {key}", count=1, low=low, high=_MOST)
        for key, low in (("num_leaves", 1), ("num_cat", 0))
    )
    if set(found) != _KEYS | (_CATEGORY_KEYS if categorical else set()) or found["is_linear"] != "0":
        raise BundleError(f"{name}: must hold exactly the lines of a tree of constants, found {', '.join(found)}")
    splits = leaves - 1
    finite_numbers(_reals(found, "leaf_value", name), f"{name}: leaf_value", count=leaves)
    finite_numbers(_reals(found, "shrinkage", name), f"{name}: shrinkage", count=1)
    if not splits:
        _check_stump(found, name)
        return
    for key in ("split_gain", "internal_value", "internal_weight"):
        finite_numbers(_reals(found, key, name), f"{name}: {key}", count=splits)
    thresholds = np.array([float(text) for text in _texts(found, "threshold", name, _THRESHOLD)])
    if len(thresholds) != splits:
        raise BundleError(f"{name}: threshold must hold {splits:,} values, found {len(thresholds):,}")
    finite_numbers(_reals(found, "leaf_weight", name), f"{name}: leaf_weight", count=leaves)

    def whole(key: str, count: int, low: int, high: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        return whole_numbers(_integers(found, key, name), f"{name}: {key}", count=count, low=low, high=high)

    whole("leaf_count", leaves, 0, _MOST)
    whole("internal_count", splits, 0, _MOST)
    features = whole("split_feature", splits, 0, len(spec.features) - 1)
    kinds = whole("decision_type", splits, 0, 11)  # one bit: a category; one: where missing goes; two: what is missing
    children = np.concatenate([whole(key, splits, -leaves, splits - 1) for key in ("left_child", "right_child")])
    # A leaf is written as -1 - its number; here it comes after all splits.
    numbered = np.where(children < 0, splits - 1 - children, children)
    check_tree(np.tile(np.arange(splits), 2), numbered, name, nodes=splits + leaves)
    by_category = kinds % 2 == 1
    _check_categories(found, name, features[by_category], thresholds[by_category], spec)


def _check_stump(found: Mapping[str, str], name: str) -> None:
    kept = {"Tree", "num_leaves", "num_cat", "leaf_value", "leaf_weight", "leaf_count", "is_linear", "shrinkage"}
    if any(found[key] for key in _KEYS - kept) or _CATEGORY_KEYS & set(found):
        raise BundleError(f"{name}: a tree of one leaf must have no splits")


def _check_categories(
    found: Mapping[str, str],
    name: str,
    features: np.ndarray[Any, np.dtype[np.int64]],
    thresholds: np.ndarray[Any, np.dtype[np.float64]],
    spec: FeatureSpec,
) -> None:
    """Check that splits by category refer, each to its own, to sets of categories that are there."""
    sets = int(found["num_cat"])
    if set(features.tolist()) - set(spec.categorical) or sorted(thresholds.tolist()) != list(range(sets)):
        raise BundleError(f"{name}: each split by category must be of a category and have a set of its own")
    if not sets:
        return
    words = _integers(found, "cat_threshold", name)
    whole_numbers(words, f"{name}: cat_threshold", count=len(words), low=0, high=2**_CATEGORY_BITS - 1)
    bounds = _integers(found, "cat_boundaries", name)
    whole_numbers(bounds, f"{name}: cat_boundaries", count=sets + 1, low=0, high=len(words))
    if bounds[0] or bounds[-1] != len(words) or any(after <= before for before, after in pairwise(bounds)):
        raise BundleError(f"{name}: cat_boundaries must rise from 0 to the length of cat_threshold")


def _lines(text: str, name: str) -> dict[str, str]:
    """Return the lines `key=value` of a text by key."""
    pairs = [line.partition("=")[::2] for line in text.split("\n") if line]
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BundleError(f"{name}: a line stands twice")
    return found


def _integers(found: Mapping[str, str], key: str, name: str) -> list[int]:
    return [int(text) for text in _texts(found, key, name, _INTEGER)]


def _reals(found: Mapping[str, str], key: str, name: str) -> list[float]:
    return [float(text) for text in _texts(found, key, name, _REAL)]


def _texts(found: Mapping[str, str], key: str, name: str, form: re.Pattern[str]) -> list[str]:
    if key not in found:
        raise BundleError(f"{name}: lacks {key}")
    texts = found[key].split(" ") if found[key] else []
    if not all(form.fullmatch(text) for text in texts):
        bad = next(text for text in texts if not form.fullmatch(text))
        raise BundleError(f"{name}: {key} must hold plain numbers, found {bad[:40]!r}")
    return texts
