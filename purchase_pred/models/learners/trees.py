"""What makes a list of nodes a tree that ends: asked of every saved tree before a library follows its children."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from purchase_pred.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_LEVELS: Final = 1_000
"""Splits one below another; the libraries descend by recursion, and deeper ones overrun the stack."""


def whole_numbers(values: Sequence[Any], name: str, /, *, count: int, low: int, high: int) -> NDArray[np.int64]:
    """Return so many whole numbers in [low, high].

    Raises
    ------
    BundleError
        There are more or fewer, or one is something else.
    """
    _check_count(values, name, count)
    if not all(type(value) is int and low <= value <= high for value in values):
        raise BundleError(f"{name} must hold whole numbers from {low} to {high}")
    return np.asarray(values, dtype=np.int64)


def finite_numbers(values: Sequence[Any], name: str, /, *, count: int) -> NDArray[np.float64]:
    """Return so many finite numbers.

    Raises
    ------
    BundleError
        There are more or fewer, or one is something else.
    """
    _check_count(values, name, count)
    if not all(type(value) in {int, float} and abs(value) <= np.finfo(np.float64).max for value in values):
        raise BundleError(f"{name} must hold finite numbers")
    return np.asarray(values, dtype=np.float64)


def check_tree(parents: NDArray[np.int64], children: NDArray[np.int64], name: str, /, *, nodes: int) -> None:
    """Raise unless every way down from node 0 ends and every node is reached by one way.

    Both libraries number a child after its parent, so it is enough that each number but 0 is the child of one node and
    greater than it.

    Parameters
    ----------
    parents, children
        Each pair is one step down; nodes are numbered from 0.
    name
        Which tree, for the message.
    nodes
        How many nodes there are.

    Raises
    ------
    BundleError
        A node has no parent or several, stands before its parent, or is too many levels down.

    Examples
    --------
    >>> check_tree(np.array([0, 0]), np.array([1, 2]), "tree 0", nodes=3)
    >>> check_tree(np.array([0, 0]), np.array([1, 1]), "tree 0", nodes=3)
    Traceback (most recent call last):
    purchase_pred.errors.BundleError: tree 0: every node but the first must be the child of exactly one other
    """
    if not np.array_equal(np.sort(children), np.arange(1, nodes)):
        raise BundleError(f"{name}: every node but the first must be the child of exactly one other")
    if (children <= parents).any():
        raise BundleError(f"{name}: a child must come after its parent, or following the children may never end")
    if nodes > MOST_LEVELS:
        _check_levels(parents, children, name, nodes)


def _check_levels(parents: NDArray[np.int64], children: NDArray[np.int64], name: str, nodes: int) -> None:
    levels = [0] * nodes
    for parent, child in sorted(zip(parents.tolist(), children.tolist(), strict=True)):
        levels[child] = levels[parent] + 1
    if max(levels) > MOST_LEVELS:
        raise BundleError(f"{name}: must have at most {MOST_LEVELS:,} levels, found {max(levels):,}")


def _check_count(values: Sequence[Any], name: str, count: int) -> None:
    if len(values) != count:
        raise BundleError(f"{name} must hold {count:,} values, found {len(values):,}")
