"""Categories of a feature: learnt from training rows, read by name ever after; a name not learnt is a missing value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purchase_pred.models.rows.spec import FeatureSpec

MOST_CATEGORIES: Final = 100
"""Categories that are learnt of a text column, the most frequent ones; the others are too rare to learn from."""
TEXT: Final = (pl.String, pl.Categorical)
"""Dtypes whose values are categories that the dtype does not list; those of an Enum are listed in it."""

_EXAMPLES: Final = 5


def is_category(dtype: pl.DataType, /) -> bool:
    """Return whether a column of this dtype holds categories."""
    return isinstance(dtype, pl.Enum) or dtype in TEXT


def text_categories(rows: pl.DataFrame | pl.LazyFrame, names: Sequence[str], /) -> dict[str, tuple[str, ...]]:
    """Return the categories of text columns, sorted: all of them, or the 100 most frequent, ties by name.

    Examples
    --------
    >>> text_categories(pl.DataFrame({"device": ["phone", None, "desk"]}), ["device"])
    {'device': ('desk', 'phone')}
    """
    return {name: _frequent(rows.lazy(), name) for name in names}


def category_codes(name: str, dtype: pl.DataType, categories: Sequence[str], /) -> pl.Expr:
    """Return the position of each value among the categories as Float32; null for null and for any other value.

    Examples
    --------
    >>> devices = pl.DataFrame({"device": ["phone", "watch", None]})
    >>> devices.select(category_codes("device", pl.String(), ("desk", "phone")))["device"].to_list()
    [1.0, None, None]
    """
    column, learnt = pl.col(name), pl.Enum(categories)
    if dtype != learnt:
        column = column.cast(pl.String).cast(learnt, strict=False)
    return column.to_physical().cast(pl.Float32)


def unseen_categories(frame: pl.DataFrame, spec: FeatureSpec, /) -> pl.DataFrame:
    """Return which features hold categories that a model has not learnt, and reads as missing.

    Parameters
    ----------
    frame
        Feature frame with the features of `spec`.
    spec
        That of the model.

    Returns
    -------
    DataFrame
        A row per such feature, in the order of `spec`: `feature` String, `rows` Int64 (how many), `values`
        List(String) (the five most frequent, ties by name).

    Examples
    --------
    >>> from purchase_pred.models.rows.design_matrix import feature_spec
    >>> spec = feature_spec(pl.DataFrame({"device": ["desk", "phone"]}))
    >>> unseen_categories(pl.DataFrame({"device": ["watch", "desk", None]}), spec).rows()
    [('device', 1, ['watch'])]
    """
    found = []
    for feature in spec.features:
        if feature.categories is None:
            continue
        texts = frame[feature.name].cast(pl.String).drop_nulls()
        counts = texts.filter(~texts.is_in(feature.categories)).rename("value").value_counts(name="rows")
        if counts.height:
            frequent = counts.sort("rows", "value", descending=[True, False])["value"].head(_EXAMPLES)
            found.append((feature.name, int(counts["rows"].sum()), frequent.to_list()))
    schema: dict[str, pl.DataType] = {"feature": pl.String(), "rows": pl.Int64(), "values": pl.List(pl.String)}
    return pl.DataFrame(found, schema=schema, orient="row")


def _frequent(rows: pl.LazyFrame, name: str) -> tuple[str, ...]:
    counts = rows.select(pl.col(name).cast(pl.String).alias("value")).drop_nulls().group_by("value").len()
    frequent = counts.sort("len", "value", descending=[True, False]).head(MOST_CATEGORIES)
    return tuple(sorted(frequent.collect()["value"]))
