"""Figures per user equal those of plain loops, ties included."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.user_ranking import user_ranking as reference_user_ranking

from purchase_pred.evaluation.user_ranking import CUTOFFS, ranking_document, ranking_table, user_ranking

ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.sampled_from((0.1, 0.5, float("-inf")))), min_size=1, max_size=12
).filter(lambda rows: all(sum(one[0] == user for one in rows) <= 6 for user in range(4)))


@given(rows=ROWS)
def test_figures_of_any_rows_are_the_means_over_every_order_of_ties(rows):
    users, labels, scores = (list(values) for values in zip(*rows, strict=True))
    found = user_ranking(pl.Series(users), labels, scores)
    if not any(labels):
        assert set(found.values()) == {None}
        return
    for k in CUTOFFS:
        expected = reference_user_ranking(rows, k)
        assert tuple(found[f"{name}_at_{k}"] for name in ("hit_rate", "recall", "ndcg")) == pytest.approx(expected)


def test_more_positives_than_places_are_ranked_as_well_as_can_be():
    found = user_ranking(pl.Series([1] * 12), [1] * 12, list(range(12)))
    assert (found["hit_rate_at_5"], found["recall_at_10"], found["ndcg_at_10"]) == pytest.approx((1.0, 10 / 12, 1.0))


def test_users_without_a_positive_and_the_order_of_rows_change_nothing():
    rows = pl.DataFrame({"user": [1, 1, 1, 2, 2], "label": [0, 1, 0, 0, 0], "score": [0.3, 0.2, 0.1, 0.9, 0.8]})
    alone, shuffled = rows.filter(pl.col("user") == 1), rows.sample(fraction=1, shuffle=True, seed=1)
    first, *others = (user_ranking(part["user"], part["label"], part["score"]) for part in (rows, alone, shuffled))
    assert others == [first, first]


def test_the_table_has_rules_once_and_every_model_that_was_judged_so():
    users, labels = pl.Series([1, 1, 2]), pl.Series([0, 1, 0], dtype=pl.UInt8).to_numpy()
    scores = pl.Series([0.5, 0.7, 0.1]).to_numpy()
    judged = ranking_document(users, labels, {"model": scores, "carted_not_bought": None, "recency": -scores})
    documents = [{"model": name, "ranking": judged} for name in ("lightgbm", "xgboost")]
    found = ranking_table([*documents, {"model": "old"}])
    assert judged["users"] == 1
    assert found["name"].to_list() == ["carted_not_bought", "recency", "lightgbm", "xgboost"]
    assert found["hit_rate_at_1"].to_list() == [None, 0.0, 1.0, 1.0]
    assert ranking_table([{"model": "old"}]).is_empty()
