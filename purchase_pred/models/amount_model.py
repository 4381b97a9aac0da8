"""Amounts: what is spent where there is a purchase, by a second booster; times the probability, the expected spend.

The booster minimises the deviance of a Tweedie distribution of power 1.2 (between Poisson and gamma) over the rows that
buy, with a logarithmic link, so that it predicts means of positive numbers and not of their logarithms. A factor found
on later rows makes the sum of its predictions that of what was spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import lightgbm as lgb
import numpy as np

from purchase_pred.errors import BundleError, UnsupportedTargetError
from purchase_pred.models.learners.learner import native_names
from purchase_pred.models.learners.lightgbm_text import check_lightgbm_text
from purchase_pred.models.rows.feature_rows import columns_of, matrix_of
from purchase_pred.models.rows.room import most_rows
from purchase_pred.models.rows.row_keys import ROW_KEY, row_draws
from purchase_pred.models.rows.validation import validation_parts
from purchase_pred.schema import LABEL, LABEL_VALUE, PREDICTION_TIME, USER_ID

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from purchase_pred.models.rows.feature_rows import FeatureRows
    from purchase_pred.models.rows.spec import FeatureSpec
    from purchase_pred.settings import Settings

POWER: Final = 1.2
"""Of the variance: chosen among Tweedie distributions and a log-normal one, see docs/decisions.md."""
LEAST_PURCHASES: Final = 20
"""Purchases with a price that training and validation need each."""

_LEAVES_OF_ROOM: Final = 20


@dataclass(frozen=True)
class AmountModel:
    """A fitted booster of amounts, cut at its best round, and the factor that its predictions are multiplied by."""

    booster: lgb.Booster
    scale: float
    """What was spent on the rows that calibrate, over what the booster alone says of them."""
    spec: FeatureSpec
    mean: float
    """The mean amount of the training rows that buy: what would be said of everybody without a model."""

    file_name: ClassVar[str] = "amounts.txt"
    library: ClassVar[str] = "lightgbm"
    objective: ClassVar[str] = "tweedie"

    def amounts(self, matrix: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return what each row is expected to spend, given that it buys."""
        if not len(matrix):
            return np.empty(0)
        logarithms = np.asarray(self.booster.predict(matrix, raw_score=True), dtype=np.float64)
        amounts: NDArray[np.float64] = self.scale * np.exp(logarithms)
        return amounts

    def to_bytes(self) -> bytes:
        """Return the booster in LightGBM's text format."""
        return bytes(self.booster.model_to_string().encode())

    def state(self) -> dict[str, Any]:
        """Return what the booster file does not hold."""
        return {"scale": self.scale, "mean": self.mean}

    @classmethod
    def from_bytes(cls, content: bytes, state: dict[str, Any], spec: FeatureSpec, /) -> AmountModel:
        """Return the model that `to_bytes` wrote, every number of it checked first."""
        try:
            booster = lgb.Booster(model_str=check_lightgbm_text(content, spec, objective=cls.objective))
        except (lgb.basic.LightGBMError, BundleError) as error:
            raise BundleError(
                f"{cls.file_name} is not a booster that LightGBM {lgb.__version__} may be given: {error}"
            ) from error
        return cls(booster=booster, scale=state["scale"], spec=spec, mean=state["mean"])


def fit_amounts(
    train: FeatureRows, val: FeatureRows, spec: FeatureSpec, /, *, settings: Settings, memory: int | None = None
) -> AmountModel:
    """Fit the amounts of the rows that buy, as `label_value` has them.

    Fitted are rows of `train` with an amount above 0. The earlier rows of `val` that buy tell when to stop, the later
    ones give the factor. Parameters are those of `train_models`; the booster has the settings of `train.lightgbm`.

    Raises
    ------
    UnsupportedTargetError
        Fewer than 20 rows of one of the frames buy at a known price above 0.
    """
    keys, val_keys = (columns_of(rows, (PREDICTION_TIME, LABEL, LABEL_VALUE)) for rows in (train, val))
    fitted, watched = _spenders(keys), _spenders(val_keys)
    for name, found in (("training", fitted), ("validation", watched)):
        if found.sum() < LEAST_PURCHASES:
            raise UnsupportedTargetError(
                f"target.value revenue needs at least {LEAST_PURCHASES} rows of the {name} split that buy at a known "
                f"price above 0, found {int(found.sum())}: leave target.value out, or bring in a log with prices"
            )
    times = val_keys[PREDICTION_TIME].to_physical().to_numpy()
    draws = row_draws(val, key=(USER_ID,) if USER_ID in val.collect_schema() else ROW_KEY)
    stops, calibrates = validation_parts(times, draws, watched.astype(np.uint8), settings.train.calibration)
    most = most_rows("lightgbm", len(spec.features), memory)
    numbers = _at_most(np.flatnonzero(fitted), row_draws(train), most)
    parts = (numbers, np.flatnonzero(watched & stops))
    matrices = [
        matrix_of(rows, spec, numbers=part, height=found.height)
        for rows, part, found in zip((train, val), parts, (keys, val_keys), strict=True)
    ]
    values = [found[LABEL_VALUE].to_numpy()[part] for found, part in zip((keys, val_keys), parts, strict=True)]
    booster = _boost(matrices, values, spec, settings)
    model = AmountModel(booster, scale=1.0, spec=spec, mean=float(values[0].mean()))
    later = np.flatnonzero(watched & calibrates)
    said = model.amounts(matrix_of(val, spec, numbers=later, height=val_keys.height))
    return AmountModel(booster, float(val_keys[LABEL_VALUE].to_numpy()[later].sum() / said.sum()), spec, model.mean)


def amount_parameters(amounts: NDArray[np.float64], settings: Settings, /) -> dict[str, Any]:
    """Return the parameters that the booster of amounts is trained with on these."""
    own = settings.train.lightgbm
    parameters: dict[str, Any] = {
        "objective": "tweedie",
        "tweedie_variance_power": POWER,
        "learning_rate": own.learning_rate,
        "num_leaves": own.num_leaves,
        "min_data_in_leaf": min(own.min_data_in_leaf, max(1, len(amounts) // _LEAVES_OF_ROOM)),
        "bagging_fraction": own.bagging_fraction,
        "bagging_freq": 1,
        "feature_fraction": own.feature_fraction,
        "lambda_l2": own.lambda_l2,
        "max_bin": own.max_bin,
        "seed": settings.train.random_seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
    if settings.train.threads is not None:
        parameters["num_threads"] = settings.train.threads
    return parameters


def _spenders(keys: pl.DataFrame) -> NDArray[np.bool_]:
    """Return which rows buy at a known price above 0; what is given away says nothing of what a buyer spends."""
    found: NDArray[np.bool_] = (keys[LABEL_VALUE].fill_null(0.0) > 0.0).to_numpy()
    return found


def _at_most(numbers: NDArray[np.intp], draws: NDArray[np.float64], most: int) -> NDArray[np.intp]:
    if len(numbers) <= most:
        return numbers
    own = draws[numbers]
    kept: NDArray[np.intp] = numbers[own < np.sort(own)[most]]
    return kept


def _boost(
    matrices: list[NDArray[np.float32]], values: list[NDArray[np.float64]], spec: FeatureSpec, settings: Settings
) -> lgb.Booster:
    """Return the booster of the first matrix and values, stopped by the second."""
    parameters = amount_parameters(values[0], settings)
    train = lgb.Dataset(
        matrices[0],
        label=values[0],
        feature_name=native_names(spec),
        categorical_feature=list(spec.categorical),
        params=parameters,
    )
    stop = lgb.Dataset(matrices[1], label=values[1], reference=train, params=parameters)
    patience = settings.train.early_stopping_rounds
    booster = lgb.train(
        parameters,
        train,
        num_boost_round=settings.train.lightgbm.max_rounds,
        valid_sets=[stop],
        callbacks=[lgb.early_stopping(patience, verbose=False)],
    )
    return lgb.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))
