"""Monotone and interaction constraints: from feature names in the settings to positions in the matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purchase_pred.errors import ConfigError
from purchase_pred.models.rows.feature_names import LEAVE_OUT, left_out, unknown_feature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purchase_pred.models.rows.spec import FeatureSpec
    from purchase_pred.settings.training import TrainSettings


def monotone_signs(settings: TrainSettings, spec: FeatureSpec, /) -> list[int]:
    """Return, for each feature, 1 (the score may only rise with it), -1 (only fall) or 0 (free).

    Raises
    ------
    ConfigError
        `train.monotone` names a feature that is not there or left out, or a category.
    """
    for name in settings.monotone:
        position = _position(name, spec, key="train.monotone")
        if position in spec.categorical:
            raise ConfigError(f"train.monotone: {name!r} is a category and has no order; remove it")
    return [settings.monotone.get(name, 0) for name in spec.names]


def interaction_groups(settings: TrainSettings, spec: FeatureSpec, /) -> list[list[int]]:
    """Return the groups of positions that may meet in one branch; features in no group form one more.

    Raises
    ------
    ConfigError
        `train.interactions` names a feature that is not there or left out.
    """
    groups = [[_position(name, spec, key="train.interactions") for name in group] for group in settings.interactions]
    named = {position for group in groups for position in group}
    rest = [position for position in range(len(spec.features)) if position not in named]
    return [*groups, rest] if rest else groups


def check_feature_names(settings: TrainSettings, names: Sequence[str], /) -> None:
    """Raise if `train.leave_out`, `train.monotone` or `train.interactions` name what is no feature.

    Raises
    ------
    ConfigError
        A name is no feature, or is left out and constrained too.
    """
    taken = left_out(names, leave_out=settings.leave_out)
    grouped = [name for group in settings.interactions for name in group]
    for key, named in (("train.monotone", [*settings.monotone]), ("train.interactions", grouped)):
        for name in named:
            if name not in names or name in taken:
                raise _no_feature(key, name, names, taken)


def _position(name: str, spec: FeatureSpec, *, key: str) -> int:
    if name in spec.names:
        return spec.names.index(name)
    raise _no_feature(key, name, spec.names, spec.left_out)


def _no_feature(key: str, name: str, names: Sequence[str], taken: Sequence[str]) -> ConfigError:
    if name in taken:
        return ConfigError(f"{key}: {name!r} is left out of the models by {LEAVE_OUT}; remove it from one of the two")
    return unknown_feature(key, name, names)
