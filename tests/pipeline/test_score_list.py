"""Lists hold the scores that their rules leave, in order, with what each is worth."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from purchase_pred.errors import ConfigError, InputError
from purchase_pred.pipeline.tasks.scoring.score_list import AskedRules, ListRules, chosen_scores
from purchase_pred.schema import EVENT_TYPES, TIME_DTYPE

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = datetime(2024, 9, 1, tzinfo=UTC)
MONTH = timedelta(days=30)
SCORES = pl.DataFrame(
    {"user_id": [7, 7, 7, 8, 9], "item_id": [1, 2, 3, 1, 2], "score": [0.2, 0.5, 0.5, 0.1, 0.05],
     "item_current_price": [10.0, None, 4.0, 20.0, 1.0]}
)  # fmt: skip


def bought(*purchases: tuple[int, int, datetime]) -> pl.LazyFrame:
    rows = [(user, item, time, "purchase") for user, item, time in purchases]
    schema = {"user_id": pl.Int64, "item_id": pl.Int64, "timestamp": TIME_DTYPE, "event_type": pl.Enum(EVENT_TYPES)}
    return pl.LazyFrame(rows, schema=schema, orient="row")


def listed(rules: ListRules, known: pl.LazyFrame | None = None, *, scores: pl.DataFrame = SCORES) -> pl.DataFrame:
    keys = [name for name in ("user_id", "item_id") if name in scores.columns]
    known = bought() if known is None else known
    return chosen_scores(scores, known, rules=rules, keys=keys, as_of=MOMENT, model="lightgbm").collect()


def pairs(rules: ListRules, known: pl.LazyFrame | None = None) -> list[tuple[int, int]]:
    return listed(rules, known).select("user_id", "item_id").rows()


def test_without_rules_every_score_is_listed_with_its_rank_and_what_it_is_worth():
    found = listed(ListRules())
    assert found["rank"].to_list() == [1, 2, 3, 4, 5]
    assert found.select("user_id", "item_id").rows() == [(7, 2), (7, 3), (7, 1), (8, 1), (9, 2)]
    assert found["expected_value"].to_list() == [None, 2.0, 2.0, 2.0, 0.05]
    assert found["probability"].equals(found["score"])
    assert found.select("model", "as_of").unique().rows() == [("lightgbm", MOMENT)]
    assert "item_current_price" not in found.columns


def test_of_each_user_and_of_all_no_more_are_listed_than_asked_for():
    assert pairs(ListRules(top_per_user=1)) == [(7, 2), (8, 1), (9, 2)]
    assert pairs(ListRules(top_per_user=2, top=3)) == [(7, 2), (7, 3), (8, 1)]


def test_a_score_at_the_threshold_is_listed():
    assert pairs(ListRules(threshold=0.2)) == [(7, 2), (7, 3), (7, 1)]


def test_who_bought_the_item_within_the_time_before_the_moment_is_left_out_and_the_next_takes_the_place():
    known = bought((7, 2, MOMENT - timedelta(days=1)), (7, 3, MOMENT - MONTH), (8, 1, MOMENT - timedelta(days=31)))
    assert pairs(ListRules(exclude_bought=MONTH, top_per_user=1), known) == [(7, 1), (8, 1), (9, 2)]


def test_where_predictions_have_no_item_who_bought_anything_is_left_out():
    people = SCORES.drop("item_id", "item_current_price").unique("user_id", keep="first", maintain_order=True)
    found = listed(ListRules(exclude_bought=MONTH), bought((8, 5, MOMENT - timedelta(days=2))), scores=people)
    assert found["user_id"].to_list() == [7, 9]
    assert found["expected_value"].to_list() == [None, None]


@pytest.mark.parametrize("seed", range(5))
def test_lists_of_any_scores_equal_those_of_plain_loops(seed):
    rng = random.Random(seed)  # noqa: S311  (a log, no secret)
    rows = [(user, item, rng.randrange(20) / 20) for user in range(12) for item in range(rng.randrange(9))]
    scores = pl.DataFrame(rng.sample(rows, len(rows)), schema=["user_id", "item_id", "score"], orient="row")
    expected: list[tuple[int, int, float]] = []
    for user, item, probability in sorted(rows, key=lambda row: (-row[2], row[0], row[1])):
        if probability >= 0.3 and sum(one[0] == user for one in expected) < 2:
            expected.append((user, item, probability))
    found = listed(ListRules(threshold=0.3, top_per_user=2, top=9), scores=scores)
    assert found.select("user_id", "item_id", "score").rows() == expected[:9]


def test_the_threshold_of_a_model_is_the_one_that_its_training_chose(tmp_path: Path):
    (tmp_path / "metrics.json").write_text(json.dumps({"threshold": {"threshold": 0.25}}))
    assert AskedRules(threshold="model").for_model(tmp_path).threshold == 0.25
    (tmp_path / "metrics.json").write_text(json.dumps({"threshold": {"threshold": None}}))
    with pytest.raises(InputError, match="no threshold was found at which acting is worth it"):
        AskedRules(threshold="model").for_model(tmp_path)


def test_first_buyers_have_never_bought_anything_however_long_ago():
    known = bought((7, 9, MOMENT - 500 * MONTH))
    assert pairs(ListRules(never_bought=True), known) == [(8, 1), (9, 2)]


def test_an_audience_is_one_row_of_each_user_down_to_the_threshold_or_to_the_top(tmp_path: Path):
    (tmp_path / "metrics.json").write_text(json.dumps({"threshold": {"threshold": 0.25}, "target": {}}))
    asked = AskedRules(audience="first_buyers").for_model(tmp_path)
    assert asked == ListRules(never_bought=True, threshold=0.25, top_per_user=1)
    assert AskedRules(audience="likely_buyers", top=9).for_model(tmp_path) == ListRules(top_per_user=1, top=9)


@pytest.mark.parametrize(
    ("audience", "kind", "needed"),
    [("likely_to_leave", "purchase", "churn"), ("likely_buyers", "churn", "purchase")],
)
def test_an_audience_of_a_model_that_answers_another_question_is_refused(audience, kind, needed, tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps({"target": {"kind": kind}}))
    with pytest.raises(InputError, match=f"--audience {audience} needs a model of target.kind {needed}"):
        AskedRules(audience=audience).for_model(tmp_path)


@pytest.mark.parametrize("text", ["2", "-0.1", "nan", "half"])
def test_a_threshold_that_is_no_probability_is_refused(text, tmp_path):
    with pytest.raises(ConfigError, match="must be a probability, 0 to 1, or model, found"):
        AskedRules(threshold=text).for_model(tmp_path)


def test_a_time_of_purchases_that_is_no_duration_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="--exclude-bought"):
        AskedRules(exclude_bought="a month").for_model(tmp_path)
