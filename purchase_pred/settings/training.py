"""Settings of the models and of their evaluation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from purchase_pred.names import MODELS, ModelName
from purchase_pred.settings.section import Section, Share

CalibrationMethod = Literal["none", "temperature", "platt", "beta", "isotonic"]
PositiveWeight = Literal["balanced", "sqrt", "none"]
StopMetric = Literal["average_precision", "log_loss"]


class LogisticSettings(Section):
    """Logistic regression on imputed, log-scaled, standardised and one-hot encoded features."""

    inverse_regularisation: float = Field(default=0.1, gt=0)
    """The C of an L2 penalty: smaller is stronger."""
    max_iterations: int = Field(default=100, ge=1)
    """Newton steps at most."""
    positive_weight: PositiveWeight = "none"
    """Weight of a positive row: negatives / positives, the square root of that, or 1."""


class XGBoostSettings(Section):
    """XGBoost, histogram trees grown by depth."""

    learning_rate: float = Field(default=0.05, gt=0, le=1)
    """Shrinkage of each tree."""
    max_rounds: int = Field(default=1_000, ge=1)
    """Trees at most; early stopping usually ends sooner."""
    max_depth: int = Field(default=6, ge=1)
    """Depth of a tree."""
    min_child_weight: float = Field(default=5.0, ge=0)
    """Least sum of Hessians in a leaf."""
    subsample: float = Field(default=0.8, gt=0, le=1)
    """Share of rows drawn for each tree."""
    colsample_bytree: float = Field(default=0.6, gt=0, le=1)
    """Share of features drawn for each tree."""
    reg_lambda: float = Field(default=5.0, ge=0)
    """L2 penalty on leaf values."""
    max_bin: int = Field(default=256, ge=2)
    """Histogram bins per feature."""
    positive_weight: PositiveWeight = "sqrt"
    """scale_pos_weight from the training rows: negatives / positives, the square root of that, or 1."""


class LightGBMSettings(Section):
    """LightGBM, histogram trees grown by leaf."""

    learning_rate: float = Field(default=0.05, gt=0, le=1)
    """Shrinkage of each tree."""
    max_rounds: int = Field(default=1_000, ge=1)
    """Trees at most; early stopping usually ends sooner."""
    num_leaves: int = Field(default=15, ge=2)
    """Leaves of a tree."""
    min_data_in_leaf: int = Field(default=200, ge=1)
    """Least rows in a leaf, or a twentieth of the rows, or a quarter of the positives, whichever is least."""
    bagging_fraction: float = Field(default=0.8, gt=0, le=1)
    """Share of rows drawn for each tree."""
    feature_fraction: float = Field(default=0.4, gt=0, le=1)
    """Share of features drawn for each tree."""
    lambda_l2: float = Field(default=5.0, ge=0)
    """L2 penalty on leaf values."""
    max_bin: int = Field(default=255, ge=2)
    """Histogram bins per feature."""
    positive_weight: PositiveWeight = "none"
    """scale_pos_weight from the training rows: negatives / positives, the square root of that, or 1."""


class SamplingSettings(Section):
    """Which negative rows are learnt from; positives are always kept."""

    negatives_per_positive: Annotated[float, Field(gt=0)] | Literal["auto"] | None = "auto"
    """Negatives kept for each positive, drawn by a hash of their keys; "auto": 10 of more than 200,000 rows; none: all
    of them."""
    weighted: bool = False
    """Kept negatives stand for those left out by their weight; false: weight 1, and only the probabilities are
    corrected back."""


class CalibrationSettings(Section):
    """How scores become probabilities, on validation rows later than those that stopped the training."""

    method: CalibrationMethod | Literal["auto"] = "auto"
    """"auto": the method with the least log-loss on held-out later time."""
    share: float = Field(default=0.5, gt=0, lt=1)
    """Share of the validation rows, the latest ones, that calibrate; the earlier ones stop the training."""
    min_positives: int = Field(default=100, ge=1)
    """Positives that each part needs; with fewer, all validation rows both stop the training and calibrate."""


class ProfitSettings(Section):
    """What one decision of each kind is worth."""

    true_positive: float = 5.0
    """Acting on a positive row: one that buys, or of kind churn leaves."""
    false_positive: float = -0.2
    """Acting on another."""
    true_negative: float = 0.0
    """Leaving alone another."""
    false_negative: float = 0.0
    """Leaving alone a positive row."""


class ThresholdSettings(Section):
    """From which score on to act: chosen on validation, applied once to test."""

    rule: Literal["profit", "capacity", "precision"] = "profit"
    """Most profit, the best k rows of each day, or most recall at a floor of precision."""
    profit: ProfitSettings = ProfitSettings()
    """Rule "profit": what one decision of each kind is worth; the other rules report it too."""
    per_day: int = Field(default=100, ge=1)
    """Rule "capacity": rows that can be acted on per UTC day."""
    min_precision: Share = 0.3
    """Rule "precision": the floor."""
    resamples: int = Field(default=1_000, ge=0)
    """Bootstrap resamples of users behind the 95 % intervals; 0: no intervals."""


class TrainSettings(Section):
    """Which models are trained, and how."""

    models: tuple[ModelName, ...] = Field(default=MODELS, min_length=1)
    """The models to train; the one with the best average precision on validation wins."""
    random_seed: int = Field(default=42, ge=0)
    """Seed of the learners."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of the learners; none: all cores."""
    early_stopping_rounds: int = Field(default=50, ge=1)
    """A booster stops when its metric on validation has not bettered for so many rounds."""
    early_stopping_metric: StopMetric | Literal["auto"] = "auto"
    """"auto": average precision, or log-loss where fewer than 200 of the rows that stop are positive."""
    refit: bool = False
    """Fit once more on train and validation together, with the rounds found; calibrator and threshold stay those of
    the fit that had not seen validation."""
    leave_out: tuple[str, ...] = ()
    """Feature columns that no model sees, by name or pattern ("*_90d"); each must match one."""
    monotone: dict[str, Literal[-1, 1]] = Field(default_factory=dict)
    """Feature name to 1 (the score may only rise with it) or -1 (only fall); both boosters."""
    interactions: tuple[tuple[str, ...], ...] = ()
    """Groups of features that may meet in one branch; features in no group form one more; empty: all may."""
    logistic: LogisticSettings = LogisticSettings()
    """Logistic regression."""
    xgboost: XGBoostSettings = XGBoostSettings()
    """XGBoost."""
    lightgbm: LightGBMSettings = LightGBMSettings()
    """LightGBM."""
    sampling: SamplingSettings = SamplingSettings()
    """Negative sampling."""
    calibration: CalibrationSettings = CalibrationSettings()
    """Calibration."""
    threshold: ThresholdSettings = ThresholdSettings()
    """The threshold to act at."""
