"""Population stability: how far the values of each feature have moved since a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from purchase_pred.errors import SchemaError
from purchase_pred.models.rows.categories import is_category
from purchase_pred.models.rows.design_matrix import NOT_FEATURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from purchase_pred.models.rows.feature_rows import FeatureRows

BINS: Final = 10

_HALF: Final = 0.5
_MISSING: Final = "__missing"
_UNSEEN: Final = "__unseen"
_SCHEMA: Final = {"feature": pl.String, **dict.fromkeys(
    ("psi", "missing_before", "missing_now", "median_before", "median_now", "unseen"), pl.Float64
)}  # fmt: skip


def population_stability(
    reference: FeatureRows,
    recent: FeatureRows,
    /,
    *,
    features: Sequence[str] | None = None,
    bins: int = BINS,
    known: Mapping[str, Sequence[str]] | None = None,
) -> pl.DataFrame:
    """Compare the values of each feature with those of a reference, by the population stability index.

    PSI = sum over bins of (q - p) ln(q / p), with the shares p of the reference and q of the recent rows; half a row
    is added to each bin of both, so that an empty one does no harm (customary bounds: 0.1 some, 0.25 a large shift;
    Siddiqi 2006). The bins of a number end at the quantiles of the reference, equal values together; below its least
    value, above its greatest, and missing (null or NaN) are bins of their own. Of a category each value of the
    reference is a bin, all others are one, and missing is one.

    Parameters
    ----------
    reference, recent
        Feature frames: numbers, Booleans, Enums or text; keys, times and label are not looked at.
    features
        Which; None: all that are in the reference.
    bins
        Into how many parts the quantiles cut the reference.
    known
        Feature to the categories that are seen, where they are not those of the reference.

    Returns
    -------
    table
        One row per feature, the largest PSI first, ties by name: ``feature`` (String), ``psi``, ``missing_before`` and
        ``missing_now`` (shares), ``median_before`` and ``median_now`` (null for a category), ``unseen`` (share of
        recent rows with a category that is not known; null for a number). Null where there are no rows.

    Raises
    ------
    SchemaError
        A feature is not in both frames, or neither number, Boolean, Enum nor text.
    ValueError
        `bins` is less than 2.

    Examples
    --------
    >>> before = pl.DataFrame({"views": [1, 2, 3, 4], "kind": ["a", "a", "b", None]})
    >>> now = pl.DataFrame({"views": [1, 2, 3, 9], "kind": ["a", "a", "c", None]})
    >>> table = population_stability(before, now, bins=2)
    >>> table.select("feature", pl.col("psi").round(3), "median_now", "unseen").rows()
    [('kind', 0.366, None, 0.25), ('views', 0.248, 2.5, None)]
    """
    if bins < 2:  # noqa: PLR2004
        raise ValueError(f"bins must be 2 or more, found {bins}")
    before, now = (rows.lazy().collect() for rows in (reference, recent))
    names = [name for name in before.columns if name not in NOT_FEATURES] if features is None else list(features)
    rows = [_row(name, before, now, bins, (known or {}).get(name)) for name in names]
    return pl.DataFrame(rows, schema=_SCHEMA).sort("psi", "feature", descending=[True, False], nulls_last=True)


def stability_index(before: NDArray[np.int64], now: NDArray[np.int64], /) -> float | None:
    """Return the population stability index of the counts of equal bins; None without rows on one of the sides.

    Examples
    --------
    >>> round(stability_index(np.array([50, 50]), np.array([80, 20])), 3)
    0.406
    """
    if not before.sum() or not now.sum():
        return None
    p, q = ((counts + _HALF) / (counts.sum() + _HALF * len(counts)) for counts in (before, now))
    return float(np.sum((q - p) * np.log(q / p)))


def _row(name: str, before: pl.DataFrame, now: pl.DataFrame, bins: int, known: Sequence[str] | None) -> dict[str, Any]:
    absent = [what for what, frame in (("reference", before), ("recent", now)) if name not in frame.columns]
    if absent:
        raise SchemaError(f"feature {name!r} must be in both frames, and is not in the {' and the '.join(absent)} one")
    columns = [frame[name] for frame in (before, now)]
    kinds = [column.dtype for column in columns]
    if all(is_category(kind) for kind in kinds):
        counts, unseen = _category_counts(columns[0], columns[1], known)
        missing = [_share(column.is_null()) for column in columns]
        medians: list[Any] = [None, None]
    elif all(kind.is_numeric() or kind == pl.Boolean for kind in kinds):
        values = [column.cast(pl.Float64).fill_nan(None) for column in columns]
        counts, unseen = _number_counts(values[0].to_numpy(), values[1].to_numpy(), bins), None
        missing, medians = [_share(value.is_null()) for value in values], [value.median() for value in values]
    else:
        raise SchemaError(f"feature {name!r} must be a number, a Boolean or a category in both frames, found {kinds}")
    found = (stability_index(*counts), *missing, *medians, unseen)
    return {"feature": name, **dict(zip(list(_SCHEMA)[1:], found, strict=True))}


def _number_counts(
    before: NDArray[np.float64], now: NDArray[np.float64], bins: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    known = before[~np.isnan(before)]
    edges = np.empty(0)
    if len(known):
        cuts = np.quantile(known, np.arange(1, bins + 1) / bins, method="inverted_cdf")
        edges = np.unique(np.append(np.nextafter(known.min(), -np.inf), cuts))
    places = len(edges) + 2  # above the greatest, and missing
    counts = [
        np.bincount(np.where(np.isnan(one), places - 1, np.searchsorted(edges, one, side="left")), minlength=places)
        for one in (before, now)
    ]
    return counts[0], counts[1]


def _category_counts(
    before: pl.Series, now: pl.Series, known: Sequence[str] | None
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], float | None]:
    texts = [column.cast(pl.String) for column in (before, now)]
    seen = sorted(set(texts[0].drop_nulls()) if known is None else set(known))
    place = {value: number for number, value in enumerate([*seen, _UNSEEN, _MISSING])}
    counts = [np.zeros(len(place), dtype=np.int64) for _ in texts]
    for text, found in zip(texts, counts, strict=True):
        for value, rows in text.value_counts().iter_rows():
            found[place[_MISSING] if value is None else place.get(value, place[_UNSEEN])] += rows
    unseen = int(counts[1][place[_UNSEEN]]) / len(now) if len(now) else None
    return (counts[0], counts[1]), unseen


def _share(marked: pl.Series) -> float | None:
    return float(marked.sum()) / len(marked) if len(marked) else None
