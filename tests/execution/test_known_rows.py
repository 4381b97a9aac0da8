"""What a model has learnt from is made anew out of a log that has grown since."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import purchase_pred as pp
from purchase_pred.execution.known_log import KnownLog
from purchase_pred.execution.known_rows import KnownRows
from purchase_pred.models.rows.periods import period_of
from purchase_pred.settings import Settings
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.simulation import simulate_catalog, simulate_clickstream, simulate_users
from purchase_pred.splits import configured_boundaries

DATASET = DatasetSettings(num_users=60, num_items=30, num_days=30)
KINDS = {
    "session_close": {"anchors": {"kind": "session_close"}},
    "calendar": {"anchors": {"kind": "calendar", "every": "2d"}, "target": {"level": "user", "horizon": "2d"}},
    "in_session": {
        "anchors": {"kind": "in_session", "every_events": 2},
        "target": {"level": "session", "horizon": "1d"},
    },
}
KEYS = ["user_id", "session_index", "item_id", "prediction_time"]


@pytest.fixture(scope="module")
def log() -> pl.DataFrame:
    users, catalog = simulate_users(DATASET), simulate_catalog(DATASET)
    return pp.sessionize(pl.concat(list(simulate_clickstream(DATASET, users, catalog))).lazy()).collect()


def settings_of(kind: str) -> Settings:
    chosen = {"target": {"horizon": "2d"}, **KINDS[kind]}
    return Settings.model_validate({"features": {"windows": ["1d"]}, "split": {"train": 0.6, "val": 0.3}, **chosen})


def trained_on(log: pl.DataFrame, settings: Settings) -> dict[str, pl.DataFrame]:
    """Return the rows of train and val of a log as it stands, with their features."""
    rows = pp.prediction_rows(log.lazy(), settings=settings).filter(~pl.col("purged")).drop("purged")
    features = pp.build_features(rows, log.lazy(), settings=settings.features).collect()
    return {name: features.filter(split=name).drop("split") for name in ("train", "val")}


def known_rows(
    log: pl.DataFrame,
    settings: Settings,
    learnt: dict[str, pl.DataFrame],
    *,
    as_of: datetime | None = None,
    **chosen: int,
) -> KnownRows:
    ends = {f"{name}_end": datetime.fromisoformat(period_of(rows)[1]) for name, rows in learnt.items()}
    known = KnownLog(
        sessionized=log.lazy(), settings=settings, as_of=as_of or log["timestamp"].max() + timedelta(days=1)
    )
    return KnownRows(known, **{"users": 1_000, "most": 100_000, **ends, **chosen})


def same(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    keys = [name for name in KEYS if name in expected.columns]
    assert_frame_equal(found.select(expected.columns).sort(keys), expected.sort(keys), check_exact=True)


@pytest.mark.parametrize("kind", KINDS)
def test_training_rows_are_the_same_after_the_log_has_grown(log: pl.DataFrame, kind: str):
    settings = settings_of(kind)
    then = log.filter(pl.col("timestamp") < log["timestamp"].min() + timedelta(days=20))
    learnt = trained_on(then, settings)

    found = known_rows(log, settings, learnt).learnt_from()

    assert learnt["train"].height > 40
    same(found["train"], learnt["train"])
    # Sessions that began after the last label of training had ended belong to validation already.
    keys = [name for name in KEYS if name in learnt["val"].columns]
    same(found["val"].join(learnt["val"].select(keys), on=keys, how="semi"), learnt["val"])


@pytest.mark.parametrize("kind", KINDS)
def test_rows_since_are_all_rows_and_their_labels_are_null_where_they_are_not_known(log: pl.DataFrame, kind: str):
    settings = settings_of(kind)
    as_of = log["timestamp"].min() + timedelta(days=25)
    learnt = trained_on(log.filter(pl.col("timestamp") < as_of - timedelta(days=10)), settings)
    known = log.filter(pl.col("timestamp") < as_of)
    since = as_of - timedelta(days=5)

    rows = known_rows(log, settings, learnt, as_of=as_of).since(since)

    ends = configured_boundaries(known.lazy(), settings.split).collect().row(0, named=True) | {"end": as_of}
    made = pp.prediction_rows(known.lazy(), settings=settings, boundaries=ends)
    everything = made.filter(pl.col("prediction_time") >= since).collect()
    keys = [name for name in KEYS if name in everything.columns]
    unsplit = ["split", "purged", "label"]
    assert_frame_equal(
        rows.select(everything.drop(unsplit).columns).sort(keys), everything.drop(unsplit).sort(keys), check_exact=True
    )
    assert (rows["label"].is_null() == (rows["label_end"] > as_of)).all()
    assert 0 < rows["label"].null_count() < rows.height


def test_no_more_users_and_rows_are_taken_than_asked_for_and_always_the_same(log: pl.DataFrame):
    settings = settings_of("session_close")
    learnt = trained_on(log, settings)

    users = known_rows(log, settings, learnt, users=20).learnt_from()["train"]
    rows = known_rows(log, settings, learnt, most=100).learnt_from()

    assert users["user_id"].n_unique() <= 20
    assert 90 <= sum(part.height for part in rows.values()) <= 100
    drawn = users.join(learnt["train"], on=KEYS, how="semi")
    assert drawn.height == users.height
    same(known_rows(log, settings, learnt, users=20).learnt_from()["train"], users)
