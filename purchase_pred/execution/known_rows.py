"""The rows of a model's training and those since, with their features, out of a log that may have grown meanwhile."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from purchase_pred.execution.point_features import features_of_points
from purchase_pred.models.rows.row_keys import ROW_KEY, row_draws
from purchase_pred.prediction_rows import prediction_rows
from purchase_pred.schema import PREDICTION_TIME, SPLIT, TIMESTAMP, USER_ID
from purchase_pred.splits import END, PURGED, START, TRAIN_END, VAL_END

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from purchase_pred.execution.known_log import KnownLog
    from purchase_pred.settings import Settings


class KnownRows:
    """The rows of a log as of a moment, cut where a model's training and validation ended.

    Parameters
    ----------
    known
        The log as of a moment.
    train_end, val_end
        Where training and validation of the model ended.
    users
        Of how many users rows are made at the most, drawn by a hash of their id.
    most
        How many rows are kept at the most of training and validation, and of those since, drawn by their keys.
    """

    def __init__(
        self,
        known: KnownLog,
        /,
        *,
        train_end: datetime,
        val_end: datetime,
        users: int,
        most: int,
    ) -> None:
        self._known, self._users, self._most = known, users, most
        self._train_end, self._val_end = train_end, val_end

    def learnt_from(self) -> dict[str, pl.DataFrame]:
        """Return the rows of training and validation, as they are without their purged ones: `train` and `val`."""
        rows = self._rows(~pl.col(PURGED) & (pl.col(SPLIT) != "test"), since=self._start, until=self._val_end)
        return {name: rows.filter(pl.col(SPLIT) == name).drop(SPLIT) for name in ("train", "val")}

    def since(self, moment: datetime, /) -> pl.DataFrame:
        """Return all rows whose T lies in [moment, as_of], purged ones too, with ``split``.

        ``label`` is null where ``label_end`` lies past `as_of`: it is not known yet.
        """
        return self._rows(pl.col(PREDICTION_TIME) >= moment, since=moment, until=self._known.as_of)

    def _rows(self, chosen: pl.Expr, *, since: datetime, until: datetime) -> pl.DataFrame:
        """Return the rows chosen, of users who may have one in [since, until), with all their events before."""
        known = self._known.events.filter(pl.col(TIMESTAMP) < until)
        reach = self._reach
        active = known if reach is None else known.filter(pl.col(TIMESTAMP) >= since - reach)
        asked = _drawn(active.select(USER_ID).unique().collect(), self._users, (USER_ID,))
        log = known.join(asked.lazy(), on=USER_ID, how="semi", maintain_order="left")
        boundaries = {START: self._start, TRAIN_END: self._train_end, VAL_END: self._val_end, END: until}
        points = partial(_points, settings=self._known.settings, boundaries=boundaries, chosen=chosen)
        kept = pl.DataFrame()
        for part in features_of_points(log, points, self._known.inputs):
            kept = pl.concat([kept, part]) if kept.width else part
            kept = _drawn(kept, self._most, ROW_KEY) if kept.height > 2 * self._most else kept
        return _drawn(kept, self._most, ROW_KEY)

    @property
    def _reach(self) -> timedelta | None:
        """How long before T a user must have been active at the latest; None: whoever was ever seen is asked about."""
        anchors = self._known.settings.anchors
        return anchors.active_within if anchors.kind == "calendar" else self._known.settings.session.gap

    @cached_property
    def _start(self) -> datetime:
        start: datetime = self._known.events.select(pl.col(TIMESTAMP).min()).collect().item()
        return start


def _points(
    events: pl.LazyFrame, /, *, settings: Settings, boundaries: dict[str, datetime], chosen: pl.Expr
) -> pl.LazyFrame:
    return prediction_rows(events, settings=settings, boundaries=boundaries).filter(chosen).drop(PURGED)


def _drawn(rows: pl.DataFrame, most: int, key: Sequence[str]) -> pl.DataFrame:
    """Return at most so many rows, in their order: the same ones of whatever others there are."""
    if rows.height <= most:
        return rows
    draws = row_draws(rows, key=key)
    return rows.filter(pl.Series(draws <= np.partition(draws, most - 1)[most - 1]))
