"""Which validation rows tell the boosters when to stop, and which calibrate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from purchase_pred.models.rows.feature_rows import columns_of, matrix_of
from purchase_pred.models.rows.room import most_rows
from purchase_pred.models.rows.row_keys import row_draws
from purchase_pred.schema import PREDICTION_TIME, USER_ID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from purchase_pred.models.rows.feature_rows import FeatureRows
    from purchase_pred.models.rows.row_labels import RowLabels
    from purchase_pred.models.rows.spec import FeatureSpec
    from purchase_pred.settings.training import CalibrationSettings

STOP_ROWS: Final = 60_000
"""Rows that boosters stop by at the most, of users drawn by their ids: all of them are scored after each round."""


@dataclass(frozen=True)
class Validation:
    """Validation rows and which of them do what."""

    features: FeatureRows
    stop_matrix: NDArray[np.float32]
    stop_labels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    times: NDArray[np.int64]
    draws: NDArray[np.float64]
    """A number of each row's user, as good as drawn."""
    calibrates: NDArray[np.bool_]


def validation_rows(
    val: FeatureRows,
    known: RowLabels,
    spec: FeatureSpec,
    /,
    *,
    settings: CalibrationSettings,
    memory: int | None = None,
) -> Validation:
    """Return the validation rows, the earlier ones to stop by and the later ones to calibrate on.

    Too few rows that buy for two parts, as `settings` says, do both. Of more than `STOP_ROWS` that stop, whole users
    are drawn.

    Parameters
    ----------
    val
        The feature rows.
    known
        Their labels and draws.
    spec
        The features that are learnt from.
    settings
        The share that calibrates, and the least rows that buy of each part.
    memory
        Bytes that the rows which stop may take; None: as many as they take.
    """
    labels, times = known.labels, columns_of(val, (PREDICTION_TIME,))[PREDICTION_TIME].to_physical().to_numpy()
    draws = row_draws(val, key=(USER_ID,)) if USER_ID in val.collect_schema() else known.draws
    stops, calibrates = validation_parts(times, draws, labels, settings)
    watched = np.flatnonzero(stops)
    most = min(STOP_ROWS, most_rows("stop", len(spec.features), memory))
    if len(watched) > most:
        watched = watched[draws[watched] < np.sort(draws[watched])[most]]
    return Validation(
        features=val,
        stop_matrix=matrix_of(val, spec, numbers=watched, height=len(known)),
        stop_labels=labels[watched],
        labels=labels,
        times=times,
        draws=draws,
        calibrates=calibrates,
    )


def validation_parts(
    times: NDArray[np.int64],
    draws: NDArray[np.float64],
    labels: NDArray[np.uint8],
    settings: CalibrationSettings,
    /,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cut validation by time, or by user where one time holds too many rows: one part stops, the other calibrates.

    Where a part would have too few positives, or nothing else, all rows do both.

    Parameters
    ----------
    times
        The prediction time of each row.
    draws
        A number of each row's user, as good as drawn.
    labels
        0 or 1.
    settings
        How large the part is that calibrates, and how many positives each needs.

    Examples
    --------
    >>> from purchase_pred.settings.training import CalibrationSettings
    >>> times, labels = np.arange(5), np.array([1, 0, 1, 0, 0], dtype=np.uint8)
    >>> stops, calibrates = validation_parts(times, times / 5, labels, CalibrationSettings(min_positives=1))
    >>> stops.tolist(), calibrates.tolist()
    ([True, True, False, False, False], [False, False, True, True, True])
    """
    stops = _before(times, 1.0 - settings.share)
    if not stops.any():
        stops = _before(draws, 1.0 - settings.share)
    positives = (int(labels[stops].sum()), int(labels[~stops].sum()))
    if min(positives) < settings.min_positives or labels[stops].all() or labels[~stops].all():
        everything = np.ones(len(times), dtype=np.bool_)
        return everything, everything
    return stops, ~stops


def _before(order: NDArray[Any], share: float) -> NDArray[np.bool_]:
    before: NDArray[np.bool_] = order < np.quantile(order, share, method="inverted_cdf")
    return before
