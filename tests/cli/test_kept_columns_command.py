"""Columns of one's own, from the CSV to the score: kept, aggregated, learnt as categories, and unseen ones counted."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
import yaml
from installed_command import purchase_pred

from purchase_pred.models import load_model

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2024, 5, 1, tzinfo=UTC)
DAYS = 30
KEEP = ("--keep", "device", "--keep", "clicks", "--keep", "member", "--keep", "brand")
SETTINGS = {
    "target": {"horizon": "3d"},
    "features": {
        "item_columns": ["brand"],
        "custom": [
            {"name": "last_device", "last": "device"},
            {"name": "devices", "n_unique": "device", "windows": ["7d"]},
            {"name": "phone_views", "count": True, "where": "device = 'phone' and event_type = 'view'"},
            {"name": "mean_clicks", "mean": "clicks", "where": "member"},
            {"name": "acme_events", "count": True, "where": "brand = 'Acme'", "windows": ["7d"]},
        ],
    },
    "train": {"models": ["lightgbm"], "threads": 1, "lightgbm": {"max_rounds": 20}},
}


def log_of(days: int, *, later_device: str = "phone") -> str:
    """Return a log in which who comes by phone buys; on the last day everyone comes by another device."""
    chance = random.Random(7)  # noqa: S311  (a log, no secret)
    rows = ["timestamp,user_id,event_type,item_id,device,clicks,member"]
    for day in range(days):
        device_of_day = later_device if day >= DAYS else None
        for user in range(60):
            if chance.random() < 0.4:
                at = START + timedelta(days=day, minutes=chance.randrange(1200))
                device = device_of_day or chance.choice(("phone", "desk", ""))
                item, clicks, member = chance.randrange(8), chance.randrange(5), str(user % 2 == 0).lower()
                tail = f"{user},{{}},{item},{device},{clicks},{member}"
                rows.append(f"{at:%Y-%m-%d %H:%M:%S},{tail.format('view')}")
                if chance.random() < (0.6 if device == "phone" else 0.1):
                    rows.append(f"{at + timedelta(hours=2):%Y-%m-%d %H:%M:%S},{tail.format('purchase')}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "log.csv").write_text(log_of(DAYS))
    brands = [f"{item},things,{'Acme' if item % 2 else 'Other'}" for item in range(8)]
    (folder / "products.csv").write_text("\n".join(["item_id,category,brand", *brands]) + "\n")
    (folder / "mine.yaml").write_text(yaml.safe_dump(SETTINGS))
    ingested = purchase_pred(*ingest(folder, "log.csv"))
    assert ingested.code == 0, ingested.err
    ran = purchase_pred("run", "all", "--skip-data-gen", "-w", folder, "-c", folder / "mine.yaml")
    assert ran.code == 0, ran.err
    return folder


def ingest(folder: Path, log: str) -> tuple[str | Path, ...]:
    return ("ingest", "table", folder / log, "--catalog", folder / "products.csv", *KEEP, "-w", folder)


def test_kept_columns_have_their_dtype_in_every_file(shop: Path) -> None:
    expected = {"device": pl.String, "clicks": pl.Int64, "member": pl.Boolean}
    for name in ("raw/clickstream", "processed/sessionized", "processed/train", "processed/val", "processed/test"):
        schema = pl.read_parquet_schema(shop / f"data/{name}_events.parquet")
        assert {column: schema[column] for column in expected} == expected
    assert pl.read_parquet_schema(shop / "data/raw/item_catalog.parquet")["brand"] == pl.String


def test_custom_features_of_kept_columns_are_those_of_a_plain_loop(shop: Path) -> None:
    events = pl.read_parquet(shop / "data/processed/sessionized_events.parquet").to_dicts()
    rows = pl.read_parquet(shop / "data/features/test_features.parquet")
    brand = dict(pl.read_parquet(shop / "data/raw/item_catalog.parquet").select("item_id", "brand").iter_rows())
    assert rows.height > 20
    for row in rows.to_dicts():
        at = row["prediction_time"]
        seen = [event for event in events if event["user_id"] == row["user_id"] and event["timestamp"] < at]
        week = [event for event in seen if event["timestamp"] >= at - timedelta(days=7)]
        clicks = [event["clicks"] for event in seen if event["member"]]
        assert row["last_device"] == seen[-1]["device"]
        assert row["devices_7d"] == len({event["device"] for event in week} - {None})
        assert row["phone_views"] == sum(event["device"] == "phone" and event["event_type"] == "view" for event in seen)
        assert row["mean_clicks"] == (pytest.approx(sum(clicks) / len(clicks)) if clicks else None)
        assert row["acme_events_7d"] == sum(brand[event["item_id"]] == "Acme" for event in week)
        assert row["item_brand"] == brand[row["item_id"]]


def test_the_model_learns_the_categories_of_its_training_rows(shop: Path) -> None:
    (folder,) = (shop / "models").glob("lightgbm_*/")
    learnt = {feature.name: feature.categories for feature in load_model(folder).spec.features}
    assert (learnt["last_device"], learnt["item_brand"]) == (("desk", "phone"), ("Acme", "Other"))


def test_no_feature_of_a_kept_column_sees_the_future(shop: Path) -> None:
    checked = purchase_pred("check-leakage", "-w", shop, "-c", shop / "mine.yaml", "--json")
    assert (checked.code, json.loads(checked.out)["leaks"]) == (0, [])


def test_a_category_of_later_data_that_the_model_has_not_seen_is_counted_and_scored_as_missing(shop: Path) -> None:
    before = purchase_pred("score", "-w", shop, "--json")
    assert "has not learnt" not in before.err
    (shop / "later.csv").write_text(log_of(DAYS + 1, later_device="watch"))
    for command in (ingest(shop, "later.csv"), ("sessionize", "-w", shop)):
        outcome = purchase_pred(*command)
        assert outcome.code == 0, outcome.err
    scored = purchase_pred("score", "-w", shop, "--json")
    assert scored.code == 0, scored.err
    assert "last_device: " in scored.err
    assert "rows hold a category that lightgbm_" in scored.err
    assert "has not learnt ('watch'), which it takes as missing" in scored.err
    scores = json.loads(scored.out)["scores"]
    assert all(0 < row["score"] < 1 for row in scores)
    newest = max(scores, key=lambda row: row["prediction_time"])
    asked = ("--user", str(newest["user_id"]), "--item", str(newest["item_id"]), "--top", "200")
    explained = purchase_pred("explain", "-w", shop, *asked)
    assert explained.code == 0, explained.err
    assert "last_device" in explained.out
    assert "1 of 1 rows hold a category that lightgbm_" in explained.err
