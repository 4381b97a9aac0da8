"""A quiet shop, a model that was trained on its first months, and the verdict of any later night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

import purchase_pred as pp
from purchase_pred.execution.known_log import KnownLog
from purchase_pred.execution.known_rows import KnownRows
from purchase_pred.monitoring.event_checks import check_days
from purchase_pred.monitoring.row_checks import CONTROLS, check_rows
from purchase_pred.simulation import simulate_catalog, simulate_clickstream, simulate_users

if TYPE_CHECKING:
    from purchase_pred.models import FittedModel
    from purchase_pred.settings import Settings

DAY: Final = timedelta(days=1)
START: Final = datetime(2024, 8, 1, tzinfo=UTC)
DAYS: Final = 230
TRAINED: Final = 110
"""Days of the log that the model knows."""

OVERRIDES: Final = {
    "dataset.num_users": 800, "dataset.num_items": 300, "dataset.num_days": DAYS, "target.horizon": "3d",
    "split.train": 0.7, "split.val": 0.25, "train.models": ["lightgbm"], "train.lightgbm.max_rounds": 150,
    "train.threads": 1,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Shop:
    """Events, items and users."""

    settings: Settings
    events: pl.DataFrame
    catalog: pl.DataFrame
    users: pl.DataFrame


def open_shop(*, seed: int) -> Shop:
    """Return a shop of 800 users over 230 days."""
    settings = pp.load_settings(overrides={**OVERRIDES, "dataset.random_seed": seed})
    users, catalog = simulate_users(settings.dataset), simulate_catalog(settings.dataset)
    events = pl.concat(list(simulate_clickstream(settings.dataset, users, catalog)))
    return Shop(settings, events, catalog, users)


def sessionized(events: pl.DataFrame) -> pl.DataFrame:
    """Return events as they arrive, numbered and cut into sessions."""
    numbered = events.sort("timestamp").with_columns(pl.int_range(pl.len(), dtype=pl.UInt64).alias("event_id"))
    return pp.sessionize(numbered.lazy()).collect().sort("user_id", "timestamp", "event_id")


def train(shop: Shop) -> FittedModel:
    """Return a model of the first months."""
    log = sessionized(shop.events.filter(pl.col("timestamp") < START + TRAINED * DAY)).lazy()
    rows = pp.prediction_rows(log, settings=shop.settings).filter(~pl.col("purged")).drop("purged")
    features = pp.build_features(
        rows, log, catalog=shop.catalog.lazy(), users=shop.users.lazy(), settings=shop.settings.features
    ).collect()
    train, val = (features.filter(split=name).drop("split") for name in ("train", "val"))
    (model,) = pp.train_models(train, val, settings=shop.settings)
    return model


class Nights:
    """The verdicts of the nights on a log, each as if nothing later were known.

    Rows and features are made once: what a row knows does not depend on the night on which it is asked for.
    """

    def __init__(self, shop: Shop, events: pl.DataFrame, /, *, model: FittedModel | None, first: datetime) -> None:
        self._shop, self._model, self._log = shop, model, sessionized(events)
        if model is None:
            return
        ends = {f"{name}_end": datetime.fromisoformat(model.training["periods"][name][1]) for name in ("train", "val")}
        log = KnownLog(
            sessionized=self._log.lazy(),
            settings=shop.settings,
            as_of=self._log["timestamp"].max() + DAY,
            catalog=shop.catalog.lazy(),
            users=shop.users.lazy(),
            assume_sorted=True,
        )
        known = KnownRows(log, users=shop.settings.monitor.users, most=1_000_000, **ends)
        self._learnt = known.learnt_from()
        self._rows = known.since(first - (CONTROLS + 3) * shop.settings.monitor.window)

    def findings(self, as_of: datetime, /, *, rows: bool) -> list[tuple[str, str]]:
        """Return the check and the subject of every alarm of a night, on rows or on days."""
        findings = self._rows_of(as_of) if rows else self._days_of(as_of)
        return findings.filter("alarm").select("check", "subject").unique(maintain_order=True).rows()

    def _days_of(self, as_of: datetime) -> pl.DataFrame:
        return check_days(self._log.lazy(), as_of=as_of, settings=self._shop.settings.monitor).findings

    def _rows_of(self, as_of: datetime) -> pl.DataFrame:
        label = pl.when(pl.col("label_end") <= as_of).then("label").alias("label")
        rows = self._rows.filter(pl.col("prediction_time") < as_of).with_columns(label)
        monitor = self._shop.settings.monitor
        return check_rows(self._model, self._learnt, rows, as_of=as_of, settings=monitor, threads=1).findings
