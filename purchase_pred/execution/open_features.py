"""The features of the predictions that are open at a moment, for logs of any size: of those users alone, in shards."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.execution.memory import EVENTS_PER_SHARD
from purchase_pred.execution.point_features import FeatureInputs, features_of_points
from purchase_pred.features import item_days
from purchase_pred.prediction_rows import open_points, users_asked_about
from purchase_pred.schema import TIMESTAMP, USER_ID, instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from purchase_pred.settings import Settings


class OpenPredictions:
    """The predictions that are open at a moment, and what is known of them then.

    Parameters
    ----------
    sessionized
        The log.
    catalog, users
        As for `build_features`.
    settings
        What rows and features depend on, and `execution`.
    as_of
        The moment; events before it, strictly, are known.
    assume_sorted
        The log is sorted by (user_id, timestamp, event_id).
    """

    def __init__(
        self,
        sessionized: pl.LazyFrame,
        /,
        *,
        settings: Settings,
        as_of: datetime,
        catalog: pl.LazyFrame | None = None,
        users: pl.LazyFrame | None = None,
        assume_sorted: bool = False,
    ) -> None:
        self.settings, self.as_of = settings, as_of
        self.known = sessionized.filter(pl.col(TIMESTAMP) < instant(as_of, what="as_of"))
        self._catalog, self._users, self._assume_sorted = catalog, users, assume_sorted

    def features(
        self, *, of: pl.DataFrame | None = None, events_per_shard: int = EVENTS_PER_SHARD
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows that are open, with their features, whole users at a time and by ascending user.

        They are those of `prediction_rows` and `build_features` for the whole log, bit for bit. Who cannot have an
        open prediction is left out before anything is made of the log but the sums per item and day. While the caller
        has one frame in hand, the next are in the making.

        Parameters
        ----------
        of
            ``user_id``: only the rows of these users; None: of all.
        events_per_shard
            About how many events of a log are taken at a time.
        """
        asked = users_asked_about(self.known, settings=self.settings, as_of=self.as_of)
        asked = asked if of is None else asked.join(of.lazy(), on=USER_ID, how="semi")
        log = self.known.join(asked.collect().lazy(), on=USER_ID, how="semi", maintain_order="left")
        points = partial(open_points, settings=self.settings, as_of=self.as_of)
        inputs = FeatureInputs(self.settings, self._days, self._catalog, self._users, self._assume_sorted)
        return features_of_points(log, points, inputs, events_per_shard=events_per_shard)

    @cached_property
    def _days(self) -> pl.LazyFrame:
        return item_days(self.known).collect().lazy()
