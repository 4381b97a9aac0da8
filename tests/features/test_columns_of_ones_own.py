"""Columns beyond our own, of events and of the catalog, in the hands of who writes Python."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

import purchase_pred as pp
from purchase_pred.settings.features import CustomFeature

LOG = """timestamp,user_id,event_type,item_id,device
2024-05-01 10:00,1,view,7,phone
2024-05-01 11:00,1,view,8,desk
2024-05-02 10:00,1,view,7,
2024-05-03 10:00,2,view,8,watch
"""
LIST = "item_id,category,brand\n7,hats,Acme\n8,hats,Other\n"


def at(day: int) -> datetime:
    return datetime(2024, 5, day, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "list.csv").write_text(LIST)
    return pp.read_log(tmp_path / "log.csv", keep=("device", "brand"), catalog=[tmp_path / "list.csv"])


def anchors(*rows: tuple[int, int, datetime]) -> pl.LazyFrame:
    schema = {"user_id": pl.Int64, "item_id": pl.Int64, "prediction_time": pl.Datetime("us", "UTC")}
    return pl.LazyFrame(rows, schema=schema, orient="row")


def features(log, settings: pp.FeatureSettings, *rows: tuple[int, int, datetime]) -> pl.DataFrame:
    sessionized = pp.sessionize(log.events)
    return pp.build_features(anchors(*rows), sessionized, catalog=log.catalog, settings=settings).collect()


def settings_of(*custom: dict, item_columns: tuple[str, ...] = ()) -> pp.FeatureSettings:
    return pp.FeatureSettings(custom=tuple(CustomFeature(**one) for one in custom), item_columns=item_columns)


def test_the_latest_value_is_that_of_the_latest_event_and_null_where_that_has_none(log):
    chosen = settings_of({"name": "last_device", "last": "device"}, item_columns=("brand",))
    made = features(log, chosen, (1, 7, at(2)), (1, 8, at(3)), (2, 8, at(3)))
    assert made.select("last_device", "item_brand").rows() == [("desk", "Acme"), (None, "Other"), (None, "Other")]
    assert made.schema["last_device"] == pl.String


def test_a_column_of_the_catalog_is_read_of_every_event_on_the_item(log):
    chosen = settings_of(
        {"name": "acme", "count": True, "where": "brand = 'Acme'"},
        {"name": "brands", "n_unique": "brand"},
        {"name": "last_brand", "last": "brand"},
    )
    made = features(log, chosen, (1, 8, at(2)), (1, 8, at(3)))
    assert made.select("acme", "brands", "last_brand").rows() == [(1, 2, "Other"), (2, 2, "Acme")]


def test_what_training_rows_did_not_hold_is_missing_and_counted(log):
    chosen = settings_of({"name": "last_device", "last": "device"})
    train, later = features(log, chosen, (1, 8, at(2))), features(log, chosen, (2, 8, at(4)), (1, 8, at(2)))
    spec = pp.feature_spec(train)
    column = spec.names.index("last_device")
    assert str(pp.design_matrix(later, spec)[:, column].tolist()) == "[nan, 0.0]"
    assert pp.unseen_categories(later, spec).rows() == [("last_device", 1, ["watch"])]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (settings_of({"name": "x", "last": "devise"}), "'devise' is a column neither .*did you mean 'device'.*--keep"),
        (settings_of({"name": "x", "last": "current_price"}), "'current_price' is a column neither of the events nor"),
        (settings_of(item_columns=("brant",)), "'brant' is no column of the catalog .*did you mean 'brand'.*--keep"),
        (settings_of(item_columns=("created_at",)), "'created_at' is no column of the catalog beyond our own"),
        (settings_of({"name": "x", "mean": "device"}), "mean needs numbers, column 'device' is String"),
    ],
)
def test_a_column_that_is_not_there_or_not_of_use_is_named(log, chosen, said):
    with pytest.raises(pp.SchemaError, match=said):
        features(log, chosen, (1, 7, at(2)))
