"""A classifier of scikit-learn's kind in the place of a learner of ours, for the same evaluation and report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np

from purchase_pred.errors import InputError
from purchase_pred.models.calibration import Calibrator
from purchase_pred.models.fitted import FittedModel
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.models.training import describe_target
from purchase_pred.settings.carried import carried_settings

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from purchase_pred.models.rows.spec import FeatureSpec
    from purchase_pred.settings import Settings

_LEAST = 1e-15


@dataclass(frozen=True)
class EstimatorLearner:
    """A fitted classifier with `predict_proba`; it is neither explained nor saved."""

    estimator: Any
    spec: FeatureSpec
    kind: str
    explains: ClassVar[bool] = False
    positive_weight: float = 1.0
    rounds: int | None = None

    def log_odds(self, matrix: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return the log-odds of the probability of the second class."""
        probabilities = np.clip(self.estimator.predict_proba(matrix)[:, 1].astype(np.float64), _LEAST, 1.0 - _LEAST)
        log_odds: NDArray[np.float64] = np.log(probabilities) - np.log1p(-probabilities)
        return log_odds

    def contributions(self, matrix: NDArray[np.float32], /) -> NoReturn:  # noqa: ARG002  (the protocol's)
        """Refuse: what a classifier of any kind makes of a feature has no exact form."""
        raise InputError(
            f"{self.kind} gives no exact contributions of its features; logistic, xgboost and lightgbm do, and "
            "sklearn.inspection.permutation_importance estimates those of any classifier"
        )

    def gains(self) -> NDArray[np.float64]:
        """Return zeros: a classifier of any kind does not tell."""
        return np.zeros(len(self.spec.features))


def from_estimator(
    estimator: Any, train: pl.DataFrame, /, *, spec: FeatureSpec, settings: Settings, name: str | None = None
) -> FittedModel:
    """Return a fitted classifier as a model that `evaluate` and the report take.

    Parameters
    ----------
    estimator
        A binary classifier with `predict_proba`, fitted on ``design_matrix(train, spec)``; missing values are NaN.
    train
        The feature frame it was fitted on; its rows and positives are counted.
    spec
        The features it takes, from `feature_spec`.
    settings
        The settings tree the features were made with.
    name
        What the model is called; None: the class of the estimator.

    Returns
    -------
    FittedModel
        Without a calibrator; `explain` and `save_bundle` refuse it in one sentence.

    Raises
    ------
    InputError
        The estimator has no `predict_proba`, or its classes are not 0 and 1.

    Examples
    --------
    >>> import polars as pl
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from purchase_pred import Settings
    >>> from purchase_pred.models import design_matrix, feature_spec
    >>> train = pl.DataFrame({"views": [0, 3] * 30, "label": [0, 1] * 30}, schema_overrides={"label": pl.UInt8})
    >>> spec = feature_spec(train)
    >>> fitted = HistGradientBoostingClassifier(min_samples_leaf=5).fit(design_matrix(train, spec), train["label"])
    >>> from_estimator(fitted, train, spec=spec, settings=Settings()).predict(train.head(2)).round(1).tolist()
    [0.0, 1.0]
    """
    kind = type(estimator).__name__
    if not hasattr(estimator, "predict_proba"):
        raise InputError(f"{kind} must have predict_proba, as classifiers of scikit-learn do")
    classes = list(getattr(estimator, "classes_", ()))
    if classes != [0, 1]:
        raise InputError(f"{kind} must be fitted on the labels 0 and 1, found the classes {classes or 'of none yet'}")
    labels = label_vector(train)
    return FittedModel(
        name=name or kind,
        learner=EstimatorLearner(estimator, spec, kind),
        calibrator=Calibrator("none"),
        spec=spec,
        odds_factor=1.0,
        target=describe_target(settings),
        settings=settings.train.model_dump(mode="json"),
        feature_settings=carried_settings(settings),
        training={"rows": len(labels), "positives": int(labels.sum()), "rounds": None},
    )
