"""What decides which rows are learnt from: of each its label, and the number that is drawn by its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from purchase_pred.models.rows.feature_rows import labels_of
from purchase_pred.models.rows.row_keys import row_draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from purchase_pred.models.rows.feature_rows import FeatureRows


@dataclass(frozen=True, eq=False)
class RowLabels:
    """Labels and draws of all rows of a frame, nine bytes a row: all that is held of rows that are not learnt from."""

    labels: NDArray[np.uint8]
    draws: NDArray[np.float64]

    @classmethod
    def of(cls, rows: FeatureRows, /) -> RowLabels:
        """Return those of a feature frame; its keys are read block by block.

        Examples
        --------
        >>> import polars as pl
        >>> found = RowLabels.of(pl.LazyFrame({"user_id": [1, 2], "label": [0, 1]}))
        >>> found.labels.tolist(), found.positives, len(found), found.nbytes
        ([0, 1], 1, 2, 18)
        """
        return cls(labels_of(rows), row_draws(rows))

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.labels)

    def followed_by(self, others: RowLabels, /) -> RowLabels:
        """Return those of these rows and then of others."""
        return RowLabels(np.concatenate([self.labels, others.labels]), np.concatenate([self.draws, others.draws]))

    @property
    def positives(self) -> int:
        """How many labels are 1."""
        return int(self.labels.sum())

    @property
    def nbytes(self) -> int:
        """The memory that they take, in bytes."""
        return self.labels.nbytes + self.draws.nbytes
