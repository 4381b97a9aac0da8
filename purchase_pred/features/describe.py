"""What every feature means, as a table: the dictionary that people read."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.durations import duration_name
from purchase_pred.features.dictionary import feature_groups
from purchase_pred.features.group import HIDDEN
from purchase_pred.settings.features import FeatureSettings
from purchase_pred.windows.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purchase_pred.features.group import FeatureGroup
    from purchase_pred.windows import Aggregate

_COLUMNS: Final = ("name", "group", "definition", "window", "entity", "unit", "null_rule")


def describe_features(settings: FeatureSettings | None = None, /) -> pl.DataFrame:
    """Return the feature dictionary, one row per column in the order of the columns.

    Returns
    -------
    DataFrame
        ``name``, ``group``, ``definition``, ``window`` (``"all"``: all history before T), ``entity`` (the columns whose
        events are looked at), ``unit``, ``null_rule``; all String.

    Examples
    --------
    >>> describe_features().row(0, named=True)["definition"]
    'hours from the last event to T, where event_type == "view"'
    """
    rows = [row for group in feature_groups(settings or FeatureSettings()) for row in _rows(group)]
    return pl.DataFrame(rows, schema=dict.fromkeys(_COLUMNS, pl.String), orient="row")


def _rows(group: FeatureGroup) -> Iterator[tuple[str, ...]]:
    entity = " and ".join(group.by).replace("__", "") or "none"
    for aggregate in group.aggregates:
        for name, window in aggregate.columns:
            if not name.startswith(HIDDEN):
                length = "all" if window is None else name.rsplit("_", 1)[1]
                definition, unit, null_rule = _meaning(aggregate)
                yield (name, group.name, definition, length, entity, unit, null_rule)
    for derived in group.derived:
        if not derived.name.startswith(HIDDEN):
            named = re.search(r"_(\d+d)$", derived.name)
            length = named[1] if named else "all"
            yield (derived.name, group.name, derived.definition, length, entity, derived.unit, derived.null_rule)


def _meaning(aggregate: Aggregate) -> tuple[str, str, str]:
    words = {
        "column": aggregate.column,
        "k": "last" if aggregate.k == 1 else f"{aggregate.k}. last",
        "half_life": duration_name(timedelta(microseconds=aggregate.half_life or 1)),
    }
    kind = KINDS[aggregate.kind]
    definition, unit, null_rule = (text.format(**words) for text in (kind.meaning, kind.unit, kind.null_rule))
    condition = "" if aggregate.where is None else f", where {_plain(aggregate.where)}"
    return definition + condition, unit, null_rule


def _plain(condition: pl.Expr) -> str:
    """Write an expression as people would: [(col("price")) > (dyn int: 3)] as price > 3."""
    text = str(condition)
    text = re.sub(r'col\("(\w+)"\)', r"\1", text)
    text = re.sub(r"dyn (?:int|float): ", "", text)
    return re.sub(r"[\[\]()]", "", text)
