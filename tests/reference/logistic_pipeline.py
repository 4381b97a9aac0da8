"""Logistic regression as a pipeline of scikit-learn: imputation, absences, signed logarithm, scaling, one-hot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from purchase_pred.models.learners.learner import FitRows


def fitted_log_odds(rows: FitRows, *, weights: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
    """Return the log-odds of the training rows by a pipeline that was fitted on them, to the last digits."""
    matrix = rows.matrix.astype(np.float64)
    pipeline = _pipeline(rows).fit(matrix, rows.labels, logisticregression__sample_weight=weights)
    return pipeline.decision_function(matrix)


def _pipeline(rows: FitRows) -> Pipeline:
    categorical = list(rows.spec.categorical)
    numeric = [index for index in range(len(rows.spec.features)) if index not in rows.spec.categorical]
    absent = np.isnan(rows.matrix).mean(axis=0)
    partly = [index for index in numeric if 0 < absent[index] < 1]
    imputer = SimpleImputer(strategy="mean", keep_empty_features=True)
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50, sparse_output=False)
    columns = ColumnTransformer(
        [
            ("numeric", make_pipeline(FunctionTransformer(_signed_log), imputer, StandardScaler()), numeric),
            ("missing", FunctionTransformer(lambda values: np.isnan(values).astype(np.float64)), partly),
            ("category", make_pipeline(FunctionTransformer(_known), one_hot), categorical),
        ]
    )
    inverse = rows.settings.logistic.inverse_regularisation
    return make_pipeline(columns, LogisticRegression(C=inverse, solver="newton-cholesky", tol=1e-10))


def _signed_log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(values) * np.log1p(np.abs(values))


def _known(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.nan_to_num(codes, nan=-1.0)
