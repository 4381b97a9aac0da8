"""The comparison of models and baselines on test: one table and one sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from purchase_pred_cli.console import print_result

_METRICS = {
    "average_precision": "PR-AUC",
    "roc_auc": "ROC-AUC",
    **{
        f"{name}_at_{share}pct": f"{name} at {share} %"
        for share in (1, 5, 10)
        for name in ("precision", "recall", "lift")
    },
    "log_loss": "log-loss",
    "brier": "Brier",
    "ece": "ECE",
}
_RULES = {"prevalence": "prevalence", "carted_not_bought": "carted, not bought", "recency": "recent view"}


def print_comparison(documents: Sequence[Mapping[str, Any]], /) -> None:
    """Print how models and baselines did on test, and which model won."""
    winner = best_document(documents)
    columns = _columns(documents)
    test = winner["splits"]["test"]
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = f"test: {test['rows']:,} rows, {test['positives']:,} positives ({test['prevalence']:.2%})"
    table.add_column("", no_wrap=True)
    for name in columns:
        table.add_column(escape(name), justify="right", style="bold" if name == _kind(winner) else "")
    for key, label in _METRICS.items():
        table.add_row(label, *(_shown(column.get(key)) for column in columns.values()))
    print_result(table)
    print_result(escape(verdict(documents)))


def best_document(documents: Sequence[Mapping[str, Any]], /) -> Mapping[str, Any]:
    """Return the model that is best on validation by average precision, of equals the first."""
    return max(documents, key=lambda document: document["splits"]["val"]["average_precision"] or 0.0)


def verdict(documents: Sequence[Mapping[str, Any]], /) -> str:
    """Return which model won and by how much over each baseline."""
    winner = best_document(documents)
    columns = _columns(documents)
    reached = columns.pop(_kind(winner))["average_precision"]
    others = {name: column["average_precision"] for name, column in columns.items()}
    times = [f"{reached / value:.2f} x {name} ({value:.3f})" for name, value in others.items() if value]
    chosen = winner["splits"]["val"]["average_precision"]
    return (
        f"{winner['model']} won on validation (PR-AUC {chosen:.3f}); on test it reaches {reached:.3f}: "
        f"{', '.join(times)}"
    )


def _columns(documents: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the metrics on test of each rule and model, by the name of its column."""
    baselines = best_document(documents)["baselines"]
    columns = {label: baselines[name] for name, label in _RULES.items()}
    columns |= {} if any(_kind(document) == "logistic" for document in documents) else _logistic(baselines)
    return columns | {_kind(document): document["splits"]["test"] for document in documents}


def _logistic(baselines: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {"logistic": baselines["logistic"]} if baselines.get("logistic") else {}


def _kind(document: Mapping[str, Any]) -> str:
    return str(document["model"]).partition("_")[0]


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}" if abs(value) < 1 else f"{value:.2f}"
