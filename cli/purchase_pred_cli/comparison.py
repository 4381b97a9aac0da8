"""The comparison of models and baselines on test: one table and one sentence."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from purchase_pred.evaluation.baselines import RECENCY, attention_name
from purchase_pred.evaluation.comparison import comparison_table
from purchase_pred.evaluation.red_flags import FEW_POSITIVES
from purchase_pred.evaluation.spend import MEAN_AMOUNT, SPEND
from purchase_pred.evaluation.user_ranking import RANKING, USERS, ranking_table
from purchase_pred_cli.console import print_result, print_text, shown

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
_SPEND_FIGURES = {"mean_absolute_error": "mean absolute error", "captured_at_10pct": "money in the top 10 %"}
_HEADINGS = {
    "prevalence": "no model",
    "carted_not_bought": "carted, not bought",
    "recency": "latest view",
    "most_viewed": "most viewed",
    "longest_silence": "longest silence",
    MEAN_AMOUNT: "mean amount",
}


def print_comparison(documents: Sequence[Mapping[str, Any]], /) -> None:
    """Print how models and baselines did on test, and which model won."""
    columns = _columns(documents)
    winner = winner_of(documents)
    test = winner["splits"]["test"]
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = f"test: {test['rows']:,} rows, {test['positives']:,} positives ({test['prevalence']:.2%})"
    table.add_column("", no_wrap=True)
    for name in columns:
        table.add_column(shown(_heading(name)), justify="right", style="bold" if name == winner["model"] else "")
    for key, label in _METRICS.items():
        table.add_row(label, *(_shown(column[key]) for column in columns.values()))
    print_result(table)
    _print_user_ranking(documents, winner["model"])
    _print_spend(documents, winner)
    print_result(shown(verdict(documents)))


def print_splits(document: Mapping[str, Any], /) -> None:
    """Print how one model did on each split."""
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold", title=shown(document["model"]))
    table.add_column("", no_wrap=True)
    for split in document["splits"]:
        table.add_column(split, justify="right")
    for key, label in {"rows": "rows", "positives": "positives", "prevalence": "prevalence", **_METRICS}.items():
        table.add_row(label, *(_shown(split[key]) for split in document["splits"].values()))
    print_result(table)


def print_report_path(folder: Path, /) -> None:
    """Print where the report of a model lies."""
    print_text(f"report: {folder / 'report.html'}")  # a path is never wrapped


def verdict(documents: Sequence[Mapping[str, Any]], /) -> str:
    """Return which model won, by how much over everything else, how near the ceiling, and if that can be judged."""
    winner = winner_of(documents)
    reached, positives = (winner["splits"]["test"][name] for name in ("average_precision", "positives"))
    others = {
        _heading(name): column["average_precision"]
        for name, column in _columns(documents).items()
        if name != winner["model"] and column["average_precision"]
    }
    ceiling = others.pop("ceiling", None)
    share = f"{reached / ceiling:.0%} of the ceiling's PR-AUC {ceiling:.3f}; ".replace("%", " %") if ceiling else ""
    times = [f"{reached / value:.2f} x {name} ({value:.3f})" for name, value in others.items()]
    chosen = winner["splits"]["val"]["average_precision"]
    won = f"{winner['model']} won on validation (PR-AUC {chosen:.3f}). " if len(documents) > 1 else ""
    several = ceiling and winner.get("horizons")
    longest = f" The ceiling is that of the longest horizon, {winner['target']['horizon']}." if several else ""
    doubt = f" Too small to judge: {positives} positives in test, fewer than {FEW_POSITIVES}."
    told = f"{won}On test {winner['model']} reaches {reached:.3f}: {share}{', '.join(times)}.{longest}"
    return told + (doubt if positives < FEW_POSITIVES else "")


def winner_of(documents: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the model that is best on validation by average precision, of equals the first."""
    return max(documents, key=lambda document: document["splits"]["val"]["average_precision"] or 0.0)


def _columns(documents: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in comparison_table(documents).to_dicts()}


def _print_user_ranking(documents: Sequence[Mapping[str, Any]], winner: str) -> None:
    """Print how well the rows of each user are put in order, where documents tell."""
    columns = {row.pop("name"): row for row in ranking_table(documents).to_dicts()}
    if not columns:
        return
    users = next(document[RANKING][USERS] for document in documents if document.get(RANKING))
    attention = attention_name(documents[0]["target"])
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = f"test, within each of {users:,} users with a positive"
    table.add_column("", no_wrap=True)
    for name in columns:
        head = _heading(attention if name == RECENCY else name)
        table.add_column(shown(head), justify="right", style="bold" if name == winner else "")
    for key in next(iter(columns.values())):
        label = key.replace("ndcg", "NDCG").replace("_", " ")
        table.add_row(label, *(_shown(column[key]) for column in columns.values()))
    print_result(table)


def _print_spend(documents: Sequence[Mapping[str, Any]], winner: Mapping[str, Any]) -> None:
    """Print how near the expected spend of each model came, where models expect one, beside the rule to beat."""
    judged = {document["model"]: document[SPEND]["test"] for document in documents if document.get(SPEND)}
    if winner["model"] not in judged:
        return
    # The rule rests on the probabilities of its model: that of the winner is shown.
    columns = {MEAN_AMOUNT: winner[SPEND][MEAN_AMOUNT], **judged}
    rows = columns[winner["model"]]["rows"]
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = f"test, expected spend of {rows:,} rows"
    table.add_column("", no_wrap=True)
    for name in columns:
        table.add_column(shown(_heading(name)), justify="right", style="bold" if name == winner["model"] else "")
    for key, label in _SPEND_FIGURES.items():
        table.add_row(label, *(_shown(column[key]) for column in columns.values()))
    print_result(table)


def _heading(name: str) -> str:
    """Return what a rule is called, and a model by its kind."""
    return _HEADINGS.get(name) or name.partition("_")[0]


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" if abs(value) < 1 else f"{value:.2f}"
