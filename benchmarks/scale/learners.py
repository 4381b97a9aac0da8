"""Measure the bytes that a value of the design matrix takes at the peak of each fit, which `models/rows/room` holds.

    python -m benchmarks.scale.learners --rows 200000 --columns 117

The rows are drawn: counts, of which some are missing as in the features of the shop, and two categories. Each fit runs
in a process of its own, a few rounds long, since the peak is that of the first ones.
"""

from __future__ import annotations

import argparse
import multiprocessing
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.memory import Peak
from purchase_pred.models.learners.learner import FitRows
from purchase_pred.models.rows.room import BYTES_PER_VALUE
from purchase_pred.models.rows.spec import Feature, FeatureSpec
from purchase_pred.models.training import FITTERS
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CATEGORIES: Final = 20
ROUNDS: Final = 10
_MISSING_COLUMNS: Final = 0.18
_MISSING_ROWS: Final = 0.45
_POSITIVES: Final = 0.09


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit each learner on drawn rows and print what a value took, beside what the program reckons with."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, default=117)
    options = parser.parse_args(arguments)
    for kind in FITTERS:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            measured = pool.apply(bytes_per_value, (kind, options.rows, options.columns))
        print(f"{kind}: {measured:.1f} bytes per value, reckoned with {BYTES_PER_VALUE[kind]:.1f}", flush=True)


def bytes_per_value(kind: str, rows: int, columns: int) -> float:
    """Return the bytes at the peak of a fit per value of its matrix, the matrix included."""
    spec = _spec(columns)
    matrix, labels = _drawn(rows, spec)
    few, settings = (
        slice(0, 1_000),
        Settings.model_validate({"train": {"xgboost": {"max_rounds": ROUNDS}, "lightgbm": {"max_rounds": ROUNDS}}}),
    )
    FITTERS[kind](FitRows(spec, matrix[few], labels[few], None, matrix[few], labels[few], settings.train))
    with Peak() as peak:
        FITTERS[kind](FitRows(spec, matrix, labels, None, matrix[few], labels[few], settings.train))
    return (peak.bytes - peak.bytes_before + matrix.nbytes) / matrix.size


def _spec(columns: int) -> FeatureSpec:
    names = tuple(f"category_{number}" for number in range(CATEGORIES))
    numbers = [Feature(f"number_{number}", "Float64") for number in range(columns - 2)]
    return FeatureSpec((*numbers, Feature("first", "Enum", names), Feature("second", "Enum", names)))


def _drawn(rows: int, spec: FeatureSpec) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    rng, width = np.random.default_rng(0), len(spec.features)
    matrix = np.empty((rows, width), dtype=np.float32, order="F")
    for position in range(width):
        categorical = position in spec.categorical
        matrix[:, position] = rng.integers(0, CATEGORIES, rows) if categorical else rng.gamma(0.5, 10.0, rows)
        if not categorical and position < _MISSING_COLUMNS * width:
            matrix[rng.random(rows) < _MISSING_ROWS, position] = np.nan
    drawn = rng.random(rows) + 0.05 * (matrix[:, width // 2] > np.median(matrix[:, width // 2]))
    return matrix, (drawn > 1.0 - _POSITIVES).astype(np.uint8)


if __name__ == "__main__":
    main()
