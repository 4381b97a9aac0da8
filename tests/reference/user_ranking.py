"""Hit rate, recall and NDCG at k per user by plain loops: over every order of rows with equal scores."""

from __future__ import annotations

import math
from itertools import permutations, product
from statistics import mean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def user_ranking(rows: Sequence[tuple[int, int, float]], k: int) -> tuple[float, float, float]:
    """Return hit rate, recall and NDCG at k of rows (user, label, score), averaged over users with a positive."""
    figures = []
    for user in {user for user, label, _ in rows if label}:
        own = [(label, score) for one, label, score in rows if one == user]
        orders = [_figures(order, k) for order in _orders(own)]
        figures.append(tuple(mean(values) for values in zip(*orders, strict=True)))
    hit, recall, ndcg = (mean(values) for values in zip(*figures, strict=True))
    return hit, recall, ndcg


def _orders(rows: Sequence[tuple[int, float]]) -> Iterator[list[int]]:
    scores = sorted({score for _, score in rows}, reverse=True)
    groups = [[label for label, score in rows if score == one] for one in scores]
    for chosen in product(*(permutations(group) for group in groups)):
        yield [label for group in chosen for label in group]


def _figures(labels: Sequence[int], k: int) -> tuple[float, float, float]:
    top, positives = labels[:k], sum(labels)
    gain = sum(1 / math.log2(place + 2) for place, label in enumerate(top) if label)
    best = sum(1 / math.log2(place + 2) for place in range(min(k, positives)))
    return float(any(top)), sum(top) / positives, gain / best
