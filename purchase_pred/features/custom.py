"""Features that users declare in their settings; conditions are read word by word, never evaluated as code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purchase_pred.errors import ConfigError
from purchase_pred.features.condition_text import parse_condition
from purchase_pred.features.group import FeatureGroup
from purchase_pred.features.sources import ITEM_CATEGORY
from purchase_pred.schema import CATEGORY
from purchase_pred.windows.registry import KINDS

if TYPE_CHECKING:
    import polars as pl

    from purchase_pred.settings.features import CustomFeature
    from purchase_pred.windows import Aggregate


def custom_group(feature: CustomFeature, /) -> FeatureGroup:
    """Return a declared feature as a group of its own.

    Raises
    ------
    ConfigError
        The condition holds something that `parse_condition` does not allow.

    Examples
    --------
    >>> from purchase_pred.settings.features import CustomFeature
    >>> night = CustomFeature(name="night_views", count=True, where="event_type = 'view' and hour < 6", windows=("7d",))
    >>> custom_group(night).columns
    ('night_views_7d',)
    """
    by = tuple(ITEM_CATEGORY if name == CATEGORY else name for name in feature.entity)
    try:
        aggregate = _aggregate(feature)
    except ValueError as error:
        raise ConfigError(f"features.custom: {error}") from error
    return FeatureGroup(name="custom", by=by, aggregates=(aggregate,))


def _aggregate(feature: CustomFeature) -> Aggregate:
    kind = KINDS[feature.kind]
    options: dict[str, Any] = {"where": None if feature.where is None else _condition(feature)}
    given = getattr(feature, feature.kind)
    if kind.windowed:
        options["windows"] = feature.windows
    if kind.takes == "k":
        options["k"] = given
    return kind.factory(feature.name, *([given] if kind.takes in {"column", "half_life"} else []), **options)


def _condition(feature: CustomFeature) -> pl.Expr:
    try:
        return parse_condition(str(feature.where))
    except ValueError as error:
        raise ConfigError(f"features.custom: where of {feature.name!r}: {error}") from error
