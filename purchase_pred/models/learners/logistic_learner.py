"""Logistic regression: fitted by scikit-learn, kept and applied as plain numbers."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from purchase_pred.errors import BundleError
from purchase_pred.models.saved_json import Positive, SavedPart, checked, read_json_object

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from purchase_pred.models.learners.learner import FitRows
    from purchase_pred.models.rows.spec import FeatureSpec

_BLOCK_ROWS: Final = 65_536
_MOST_CATEGORIES: Final = 50
"""Coefficients of one categorical feature at most: the rarer categories share one."""


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
        blocks = [
            self.contributions(matrix[start : start + _BLOCK_ROWS]).sum(axis=1)
            for start in range(0, len(matrix), _BLOCK_ROWS)
        ]
        return np.concatenate(blocks) if blocks else np.empty(0)

    def contributions(self, matrix: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return coefficient times (value - mean) of each feature, the constant as the last column."""
        numbers = self.numbers
        parts = np.zeros((len(matrix), len(self.spec.features) + 1))
        values = signed_log(matrix[:, numbers.numeric].astype(np.float64))
        filled = np.where(np.isnan(values), np.asarray(numbers.fills), values)
        scaled = (filled - np.asarray(numbers.means)) / np.asarray(numbers.scales)
        parts[:, numbers.numeric] = scaled * np.asarray(numbers.weights)
        parts[:, numbers.indicated] += np.isnan(matrix[:, numbers.indicated]) * np.asarray(numbers.indicator_weights)
        for position, weights in zip(numbers.categorical, numbers.category_weights, strict=True):
            parts[:, position] = np.asarray(weights)[missing_code(matrix[:, position]).astype(np.int64) + 1]
        parts[:, -1] = numbers.intercept
        return parts

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
    weights = rows.weights_with(positive_weight)
    pipeline = logistic_pipeline(rows)
    pipeline.fit(rows.matrix.astype(np.float64), rows.labels, logisticregression__sample_weight=weights)
    return LogisticLearner(_numbers(pipeline, rows.spec), positive_weight, rows.spec)


def logistic_pipeline(rows: FitRows, /) -> Pipeline:
    """Return the unfitted scikit-learn pipeline: imputation with indicators, signed log, scaling, one-hot."""
    own = rows.settings.logistic
    categorical = list(rows.spec.categorical)
    numeric = [index for index in range(len(rows.spec.features)) if index not in rows.spec.categorical]
    # Absence is added as columns of its own beside, and not by `add_indicator`, so that it is not standardised.
    columns = ColumnTransformer(
        [
            ("numeric", make_pipeline(FunctionTransformer(signed_log), _imputer(), StandardScaler()), numeric),
            ("missing", FunctionTransformer(_indicators), [index for index in numeric if _varies(rows, index)]),
            ("category", make_pipeline(FunctionTransformer(missing_code), _one_hot()), categorical),
        ]
    )
    regression = LogisticRegression(C=own.inverse_regularisation, max_iter=own.max_iterations, solver="newton-cholesky")
    return make_pipeline(columns, regression)


def signed_log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sign(x) log(1 + |x|), which brings counts, prices and ages to one scale.

    Examples
    --------
    >>> signed_log(np.array([0.0, -1.0])).round(3).tolist()
    [0.0, -0.693]
    """
    return np.copysign(np.log1p(np.abs(values)), values)


def missing_code(codes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return category codes with -1 for missing ones.

    Examples
    --------
    >>> missing_code(np.array([2.0, np.nan])).tolist()
    [2.0, -1.0]
    """
    return np.where(np.isnan(codes), -1.0, codes)


def _imputer() -> SimpleImputer:
    return SimpleImputer(strategy="mean", keep_empty_features=True)


def _one_hot() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=_MOST_CATEGORIES, sparse_output=False)


def _indicators(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.isnan(values).astype(np.float64)


def _varies(rows: FitRows, index: int) -> bool:
    missing = np.isnan(rows.matrix[:, index])
    return bool(missing.any() and not missing.all())


def _numbers(pipeline: Pipeline, spec: FeatureSpec) -> LogisticNumbers:
    columns = pipeline["columntransformer"]
    regression = pipeline["logisticregression"]
    positions = {name: [int(i) for i in where] for name, _, where in columns.transformers_}
    numeric, missing, categorical = (positions.get(name, []) for name in ("numeric", "missing", "category"))
    numbers = columns.named_transformers_["numeric"] if numeric else None
    coefficients = regression.coef_[0]
    after = len(numeric) + len(missing)
    counts = [len(spec.features[position].categories or ()) for position in categorical]
    return LogisticNumbers(
        numeric=numeric,
        fills=numbers["simpleimputer"].statistics_.tolist() if numbers else [],
        means=numbers["standardscaler"].mean_.tolist() if numbers else [],
        scales=numbers["standardscaler"].scale_.tolist() if numbers else [],
        weights=coefficients[: len(numeric)].tolist(),
        indicated=missing,
        indicator_weights=coefficients[len(numeric) : after].tolist(),
        categorical=categorical,
        category_weights=_category_weights(columns, counts, coefficients[after:]) if categorical else [],
        intercept=float(regression.intercept_[0]),
    )


def _category_weights(
    columns: ColumnTransformer, counts: list[int], coefficients: NDArray[np.float64]
) -> list[list[float]]:
    """Return the coefficient of every category there is, seen in training or not, by encoding each of them."""
    encoder = columns.named_transformers_["category"]["onehotencoder"]
    rows = np.arange(-1, max(counts))[:, None]
    encoded = encoder.transform(np.minimum(rows, np.asarray(counts) - 1).astype(np.float64))
    sizes = [
        len(seen) if rare is None else len(seen) - len(rare) + 1
        for seen, rare in zip(encoder.categories_, encoder.infrequent_categories_, strict=True)
    ]
    ends = np.cumsum([0, *sizes]).tolist()
    return [
        (encoded[: count + 1, start:end] @ coefficients[start:end]).tolist()
        for count, (start, end) in zip(counts, itertools.pairwise(ends), strict=True)
    ]
