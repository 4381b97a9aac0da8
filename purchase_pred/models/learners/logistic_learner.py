"""Logistic regression: fitted by Newton's method, kept and applied as plain numbers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from purchase_pred.errors import BundleError
from purchase_pred.models.learners.logistic_columns import filled_log, learn_columns, missing_code
from purchase_pred.models.learners.newton import fit_coefficients
from purchase_pred.models.saved_json import Positive, SavedPart, checked, read_json_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from purchase_pred.models.learners.learner import FitRows
    from purchase_pred.models.learners.logistic_columns import LogisticColumns
    from purchase_pred.models.rows.spec import FeatureSpec

_BLOCK_ROWS: Final = 65_536


@dataclass(frozen=True)
class LogisticNumbers:
    """Everything that the fitted model consists of, in the order of the matrix's columns."""

    numeric: list[int]
    """Positions of the numbers in the matrix."""
    fills: list[float]
    """What a missing number is replaced by on the signed logarithmic scale: the mean of the others."""
    means: list[float]
    """Mean of each number on that scale, after filling."""
    scales: list[float]
    """Standard deviation of each on that scale; 1 for a constant."""
    weights: list[float]
    """Coefficient of each standardised number."""
    indicated: list[int]
    """Positions, in the matrix, of the numbers whose absence is a signal of its own."""
    indicator_weights: list[float]
    """Coefficient of each absence."""
    categorical: list[int]
    """Positions of the category codes in the matrix."""
    category_weights: list[list[float]]
    """For each, the coefficient of a missing category, then of each category in the order of their codes."""
    intercept: float


class _SavedNumbers(SavedPart):
    """`LogisticNumbers` as JSON holds them."""

    model_config = SavedPart.model_config | {"extra": "forbid"}

    numeric: list[int]
    fills: list[float]
    means: list[float]
    scales: list[Positive]
    weights: list[float]
    indicated: list[int]
    indicator_weights: list[float]
    categorical: list[int]
    category_weights: list[list[float]]
    intercept: float


@dataclass(frozen=True)
class LogisticLearner:
    """A fitted logistic regression as plain numbers."""

    numbers: LogisticNumbers
    positive_weight: float
    spec: FeatureSpec

    kind: ClassVar[str] = "logistic"
    file_name: ClassVar[str] = "logistic.json"
    library: ClassVar[str] = "numpy"
    explains: ClassVar[bool] = True
    rounds: ClassVar[None] = None

    def log_odds(self, matrix: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return the log-odds of each row, as fitted."""
        log_odds = np.full(len(matrix), self.numbers.intercept)
        for start in range(0, len(matrix), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            for _, part in self._parts(matrix[block]):
                log_odds[block] += part
        return log_odds

    def contributions(self, matrix: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return coefficient times (value - mean) of each feature, the constant as the last column."""
        parts = np.zeros((len(matrix), len(self.spec.features) + 1))
        for position, part in self._parts(matrix):
            parts[:, position] += part
        parts[:, -1] = self.numbers.intercept
        return parts

    def _parts(self, matrix: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Yield what each number, each absence and each category adds to the log-odds, and of which column."""
        numbers = self.numbers
        scaled = zip(numbers.numeric, numbers.fills, numbers.means, numbers.scales, numbers.weights, strict=True)
        for position, fill, mean, scale, weight in scaled:
            if weight:
                yield position, (filled_log(matrix[:, position], fill) - mean) * (weight / scale)
        for position, weight in zip(numbers.indicated, numbers.indicator_weights, strict=True):
            yield position, np.isnan(matrix[:, position]) * weight
        for position, weights in zip(numbers.categorical, numbers.category_weights, strict=True):
            yield position, np.asarray(weights)[missing_code(matrix[:, position]).astype(np.intp) + 1]

    def gains(self) -> NDArray[np.float64]:
        """Return the size of each feature's coefficient on the standardised scale (the largest of a category's)."""
        numbers = self.numbers
        gains = np.zeros(len(self.spec.features))
        gains[numbers.numeric] = np.abs(numbers.weights)
        for position, weight in zip(numbers.indicated, numbers.indicator_weights, strict=True):
            gains[position] = max(gains[position], abs(weight))
        for position, weights in zip(numbers.categorical, numbers.category_weights, strict=True):
            gains[position] = max((abs(weight) for weight in weights), default=0.0)
        return gains

    def to_bytes(self) -> bytes:
        """Return the numbers as JSON; every float reads back as the same bits."""
        return json.dumps(asdict(self.numbers), indent=1).encode()

    def state(self) -> dict[str, Any]:
        """Return what the file of numbers does not hold."""
        return {"positive_weight": self.positive_weight}

    @classmethod
    def from_bytes(cls, content: bytes, state: dict[str, Any], spec: FeatureSpec, /) -> LogisticLearner:
        """Return the learner that `to_bytes` wrote, every number of it checked first."""
        saved = checked(_SavedNumbers, read_json_object(content, cls.file_name), cls.file_name)
        numbers = LogisticNumbers(**saved.model_dump())
        numeric = [index for index in range(len(spec.features)) if index not in spec.categorical]
        if (numbers.numeric, numbers.categorical) != (numeric, list(spec.categorical)):
            raise BundleError(f"{cls.file_name} holds coefficients of other features than model.json: train again")
        categories = [len(spec.features[index].categories or ()) for index in spec.categorical]
        lengths = {len(values) for values in (numbers.fills, numbers.means, numbers.scales, numbers.weights)}
        if (
            lengths != {len(numeric)}
            or not set(numbers.indicated) <= set(numeric)
            or len(set(numbers.indicated)) != len(numbers.indicator_weights)
            or [len(weights) for weights in numbers.category_weights] != [count + 1 for count in categories]
        ):
            raise BundleError(f"{cls.file_name} must hold as many numbers of each kind as it has features: train again")
        return cls(numbers=numbers, positive_weight=state["positive_weight"], spec=spec)


def fit_logistic(rows: FitRows, /) -> LogisticLearner:
    """Fit logistic regression on the training rows; the stop rows are not looked at."""
    own = rows.settings.logistic
    positive_weight = rows.positive_weight(own.positive_weight)
    described, columns = learn_columns(rows.matrix, rows.spec)
    found = fit_coefficients(
        columns,
        rows.labels,
        rows.weights_with(positive_weight),
        inverse_regularisation=own.inverse_regularisation,
        steps=own.max_iterations,
    )
    return LogisticLearner(_numbers(described, found), positive_weight, rows.spec)


def _numbers(columns: LogisticColumns, found: NDArray[np.float64]) -> LogisticNumbers:
    """Return what the fitted model consists of; a category without a column of its own adds nothing."""
    sizes = [len(columns.numeric), len(columns.indicated), *(int(own.max()) + 1 for own in columns.shared)]
    weights, absences, *categories = np.split(found[:-1], np.cumsum(sizes)[:-1])
    return LogisticNumbers(
        numeric=columns.numeric,
        fills=columns.fills,
        means=columns.means,
        scales=columns.scales,
        weights=weights.tolist(),
        indicated=columns.indicated,
        indicator_weights=absences.tolist(),
        categorical=columns.categorical,
        category_weights=[
            np.where(own >= 0, of_columns[own], 0.0).tolist()
            for own, of_columns in zip(columns.shared, categories, strict=True)
        ],
        intercept=float(found[-1]),
    )
