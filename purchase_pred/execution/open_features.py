"""The features of the predictions that are open at a moment, for logs of any size: of those users alone, in shards."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from purchase_pred.execution.memory import EVENTS_PER_SHARD
from purchase_pred.execution.point_features import features_of_points
from purchase_pred.prediction_rows import open_points, users_asked_about
from purchase_pred.schema import USER_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from purchase_pred.execution.known_log import KnownLog


class OpenPredictions:
    """The predictions that are open at the moment up to which a log is known."""

    def __init__(self, known: KnownLog, /) -> None:
        self.known = known

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
        events, settings, as_of = self.known.events, self.known.settings, self.known.as_of
        asked = users_asked_about(events, settings=settings, as_of=as_of)
        asked = asked if of is None else asked.join(of.lazy(), on=USER_ID, how="semi")
        log = events.join(asked.collect().lazy(), on=USER_ID, how="semi", maintain_order="left")
        points = partial(open_points, settings=settings, as_of=as_of)
        return features_of_points(log, points, self.known.inputs, events_per_shard=events_per_shard)
