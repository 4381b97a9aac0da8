"""One table of everything that predicts: prevalence, rules, each model, the ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.evaluation.baselines import RECENCY, attention_name
from purchase_pred.metrics import metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CEILING: Final = "ceiling"
"""The upper bound computed from the simulator's hidden state, among the names of models and rules."""


def comparison_table(documents: Sequence[Mapping[str, Any]], /) -> pl.DataFrame:
    """Return the metrics on test of baselines, models and ceiling, in this order, models by average precision.

    Parameters
    ----------
    documents
        What `evaluate` returned for models of the same splits, at least one. A logistic model among them is not
        shown a second time as a baseline.

    Returns
    -------
    table
        `name` (in place of `recency` within sessions `most_viewed`, of churn `longest_silence`); `kind` (baseline,
        model, ceiling); the metrics of `purchase_pred.metrics.metrics`, null where not defined; `times_best_rule` and
        `share_of_ceiling`, average precision over that of the better of the two rules and over the ceiling's (null
        without one).
    """
    first = documents[0]
    attention = attention_name(first["target"])
    models = {document["model"]: document["splits"]["test"] for document in documents}
    rows = [
        {"name": attention if name == RECENCY else name, "kind": "baseline", **found}
        for name, found in first["baselines"].items()
        if not any(model.split("_")[0] == name for model in models)
    ]
    ranked = sorted(models, key=lambda name: -(models[name]["average_precision"] or 0.0))
    rows += [{"name": name, "kind": "model", **models[name]} for name in ranked]
    if first[CEILING] is not None:
        rows.append({"name": CEILING, "kind": CEILING, **first[CEILING]})
    rules = [first["baselines"][name]["average_precision"] or 0.0 for name in ("carted_not_bought", RECENCY)]
    ceiling = None if first[CEILING] is None else first[CEILING]["average_precision"]
    counts = dict.fromkeys(("rows", "positives"), pl.UInt32)
    others = dict.fromkeys((name for name in metrics([], []) if name not in counts), pl.Float64)
    precision = pl.col("average_precision")
    return pl.DataFrame(rows, schema={"name": pl.String, "kind": pl.String, **counts, **others}).with_columns(
        times_best_rule=(precision / (max(rules) or None)).cast(pl.Float64),
        share_of_ceiling=(precision / ceiling).cast(pl.Float64),
    )
