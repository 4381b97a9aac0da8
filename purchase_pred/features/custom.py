"""Features that users declare in their settings; conditions are parsed as SQL expressions, never evaluated as code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.errors import ConfigError
from purchase_pred.features.group import FeatureGroup
from purchase_pred.features.sources import ITEM_CATEGORY
from purchase_pred.schema import CATEGORY
from purchase_pred.windows import (
    count,
    decayed_count,
    hours_since_first,
    hours_since_last,
    last,
    maximum,
    mean,
    minimum,
    n_unique,
    total,
)

if TYPE_CHECKING:
    from purchase_pred.settings.features import CustomFeature
    from purchase_pred.windows import Aggregate

_OVER_A_COLUMN = {
    "n_unique": n_unique, "total": total, "mean": mean, "minimum": minimum, "maximum": maximum,
}  # fmt: skip


def custom_group(feature: CustomFeature, /) -> FeatureGroup:
    """Return a declared feature as a group of its own.

    Raises
    ------
    ConfigError
        The condition is no SQL expression, or looks at more than the event itself.

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
    where = None if feature.where is None else _condition(feature)
    if feature.count:
        return count(feature.name, where=where, windows=feature.windows)
    if feature.hours_since_last is not None:
        return hours_since_last(feature.name, where=where, k=feature.hours_since_last)
    if feature.hours_since_first:
        return hours_since_first(feature.name, where=where)
    if feature.decayed_count is not None:
        return decayed_count(feature.name, feature.decayed_count, where=where)
    if feature.last is not None:
        return last(feature.name, feature.last, where=where)
    kind, column = next((kind, getattr(feature, kind)) for kind in _OVER_A_COLUMN if getattr(feature, kind))
    return _OVER_A_COLUMN[kind](feature.name, column, where=where, windows=feature.windows)


def _condition(feature: CustomFeature) -> pl.Expr:
    try:
        return pl.sql_expr(str(feature.where))
    except pl.exceptions.PolarsError as error:
        raise ConfigError(
            f"features.custom: where of {feature.name!r} must be an SQL condition over the events such as "
            f"\"event_type = 'view' and hour < 6\", found {feature.where!r}"
        ) from error
