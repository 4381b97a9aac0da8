"""What is known of a log at a moment, and what features of it are made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.execution.point_features import FeatureInputs
from purchase_pred.features import item_days
from purchase_pred.schema import TIMESTAMP, instant

if TYPE_CHECKING:
    from datetime import datetime

    from purchase_pred.settings import Settings


@dataclass(frozen=True, eq=False, kw_only=True)
class KnownLog:
    """A log as of a moment, with what is known beside it."""

    sessionized: pl.LazyFrame
    """The whole log."""
    settings: Settings
    """What rows and features depend on, and `execution`."""
    as_of: datetime
    """The moment; events before it, strictly, are known."""
    catalog: pl.LazyFrame | None = None
    users: pl.LazyFrame | None = None
    """Items and users, as for `build_features`."""
    assume_sorted: bool = False
    """The log is sorted by (user_id, timestamp, event_id)."""

    @cached_property
    def events(self) -> pl.LazyFrame:
        """The events that are known."""
        return self.sessionized.filter(pl.col(TIMESTAMP) < instant(self.as_of, what="as_of"))

    @cached_property
    def inputs(self) -> FeatureInputs:
        """What features are made from; the sums per item and day are made here, once."""
        days = item_days(self.events).collect().lazy()
        return FeatureInputs(self.settings, days, self.catalog, self.users, self.assume_sorted)
