"""The names that settings, files and models choose from: splits, targets, learners, each in its order."""

from __future__ import annotations

from typing import Final, Literal, get_args

SplitName = Literal["train", "val", "test"]
"""The parts of the time of a log, the earliest first."""

TargetKind = Literal["purchase", "churn"]
"""What is predicted: a purchase, or that a user stays away."""

Level = Literal["user_item", "user", "session"]
"""What is asked: does the user buy this item, does the user buy anything, does this session still buy."""

ModelName = Literal["logistic", "xgboost", "lightgbm"]
"""The learners, in the order in which they are trained."""

Audience = Literal["likely_buyers", "first_buyers", "likely_to_leave"]
"""Whom a list is of: who is likely to buy, who is and has never bought, who is likely to stay away."""

SPLITS: Final[tuple[SplitName, ...]] = get_args(SplitName)
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
MODELS: Final[tuple[ModelName, ...]] = get_args(ModelName)
