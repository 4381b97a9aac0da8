"""Settings of the models and of their evaluation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from purchase_pred.settings.section import Section

ModelName = Literal["logistic", "xgboost", "lightgbm"]


class TrainSettings(Section):
    """Which models are trained, and how."""

    models: tuple[ModelName, ...] = Field(default=("logistic", "xgboost", "lightgbm"), min_length=1)
    """The models to train; the one with the best average precision on validation wins."""
    random_seed: int = Field(default=42, ge=0)
    """Seed of the learners."""
