"""Names of features in the settings of the stage `train`, told before the features are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purchase_pred.features import describe_features
from purchase_pred.models.learners.constraints import check_feature_names

if TYPE_CHECKING:
    from purchase_pred.settings import Settings


def check_names(settings: Settings, /) -> None:
    """Raise if `train.leave_out` or a constraint names what is no feature of the dictionary.

    Raises
    ------
    ConfigError
        Names the entry and the nearest features.
    """
    check_feature_names(settings.train, describe_features(settings.features)["name"].to_list())
