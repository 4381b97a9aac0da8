"""Commands about trained models: evaluate, score, explain and tune."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from purchase_pred_cli.model_options import (
    AsOf,
    Audience,
    ExcludeBought,
    Model,
    Output,
    Reasons,
    Threshold,
    Top,
    TopPerUser,
    asked_moment,
    asked_rules,
)
from purchase_pred_cli.options import CHANGING, READING, Common, command_options
from purchase_pred_cli.stage_commands import ModelKind, SplitName

if TYPE_CHECKING:
    import polars as pl

    from purchase_pred.models import TuningResult

_SHOWN = 20
_UNTOLD = ("model", "as_of", "probability")
"""Columns of a list that the terminal leaves out: the same in all rows, or in the column `score`."""


@command_options(*CHANGING)
def evaluate(
    common: Common,
    *,
    model: Model = None,
    split: Annotated[SplitName, typer.Option("--split", help="The split that the gate looks at.")] = SplitName.TEST,
    min_pr_auc: Annotated[
        float | None, typer.Option("--min-pr-auc", min=0, max=1, help="Exit with 3 below this PR-AUC.")
    ] = None,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Draw the model's report.html anew, or leave it alone.")
    ] = True,
    oracle: Annotated[
        bool,
        typer.Option("--oracle", help="Add the ceiling: an upper bound, computed from the simulator's hidden state."),
    ] = False,
) -> None:
    """Judge a saved model beside the baselines and draw its report; with --min-pr-auc, as a gate."""
    from purchase_pred.errors import GateError
    from purchase_pred.pipeline.model_files import find_model
    from purchase_pred.pipeline.tasks.evaluate import evaluate_saved
    from purchase_pred_cli.comparison import print_comparison, print_report_path, print_splits
    from purchase_pred_cli.console import print_json

    workspace = common.open_workspace()
    folder = find_model(workspace, model)
    document = evaluate_saved(workspace, common.resolve(), model=folder, report=report, oracle=oracle)
    if common.as_json:
        print_json(document)
    else:
        print_splits(document)
        print_comparison([document])
        if report:
            print_report_path(folder)
    reached = document["splits"][split.value]["average_precision"]
    if min_pr_auc is not None and (reached is None or reached < min_pr_auc):
        found = "undefined" if reached is None else f"{reached:.4f}"
        raise GateError(
            f"gate missed: PR-AUC of {document['model']} on {split.value} is {found}, required {min_pr_auc}"
        )


@command_options(*READING)
def score(
    common: Common,
    *,
    as_of: AsOf = None,
    model: Model = None,
    top: Top = None,
    top_per_user: TopPerUser = None,
    threshold: Threshold = None,
    exclude_bought: ExcludeBought = None,
    audience: Audience = None,
    reasons: Reasons = 0,
    output: Output = None,
) -> None:
    """Say who will buy what: scores with what was known before a moment, the highest first."""
    from purchase_pred.pipeline.model_files import find_model
    from purchase_pred.pipeline.tasks.scoring.export import check_export, export
    from purchase_pred.pipeline.tasks.scoring.score import score as score_model
    from purchase_pred_cli.console import Screen, print_json

    if output:
        check_export(output)
    workspace = common.open_workspace()
    folder = find_model(workspace, model)
    moment = asked_moment(as_of)
    asked = asked_rules(
        top=top,
        top_per_user=top_per_user,
        threshold=threshold,
        exclude_bought=exclude_bought,
        audience=audience,
        reasons=reasons,
    )
    warns = Screen(quiet=common.quiet).warns
    found = score_model(
        workspace, common.resolve(), model=folder, as_of=moment, rules=asked.for_model(folder), warns=warns
    )
    if output:
        export(found.rows, output)
    if common.as_json:
        print_json(_document(folder.name, found.rows))
    else:
        _print_scores(folder.name, found.rows.head(top or _SHOWN), found.scored)


@command_options(*READING)
def explain(
    common: Common,
    *,
    user: Annotated[str, typer.Option("--user", help="The user whose score is to be explained.")],
    item: Annotated[str | None, typer.Option("--item", help="The item, where the target has one.")] = None,
    as_of: AsOf = None,
    model: Model = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many features to name.")] = 10,
) -> None:
    """Say in plain words why a score is what it is."""
    from dataclasses import asdict

    from purchase_pred.pipeline.model_files import find_model
    from purchase_pred.pipeline.tasks.scoring.explain import explain_score
    from purchase_pred_cli.console import Screen, print_json, print_text

    workspace = common.open_workspace()
    explanation = explain_score(
        workspace,
        common.resolve(),
        model=find_model(workspace, model),
        as_of=asked_moment(as_of),
        user=user,
        item=item,
        top=top,
        warns=Screen(quiet=common.quiet).warns,
    )
    if common.as_json:
        print_json({"schema_version": 1, **asdict(explanation)})
    else:
        print_text("\n".join(explanation.sentences))


@command_options(*READING, "force")
def tune(
    common: Common,
    *,
    model: Annotated[ModelKind, typer.Option("--model", help="The learner to tune.")] = ModelKind.LIGHTGBM,
    trials: Annotated[int, typer.Option("--trials", min=1, help="How many settings to try.")] = 30,
    folds: Annotated[int, typer.Option("--folds", min=1, help="Rolling folds of the training rows.")] = 3,
    output: Annotated[Path, typer.Option("--output", help="The YAML file to write, for --config.")] = Path(
        "tuned.yaml"
    ),
) -> None:
    """Search better settings of a learner on rolling folds of the training rows (extra `tune`)."""
    from purchase_pred.pipeline.tasks.experiments import check_tuned, tune_model, write_tuned
    from purchase_pred_cli.console import Screen, print_json

    check_tuned(output, force=common.force)
    workspace, settings = common.open_workspace(), common.resolve().settings
    screen = Screen(quiet=common.quiet)
    with screen.watching():
        found = tune_model(workspace, settings, kind=model.value, trials=trials, folds=folds, observer=screen)
    write_tuned(found, output)
    command = common.typed("train", config=[output], without=[f"train.{found.kind}.{name}" for name in found.best])
    if common.as_json:
        print_json({"schema_version": 1, **_tuning_document(found), "command": command})
    else:
        typer.echo(_tuning_verdict(found, output, command))


COMMANDS = (evaluate, score, explain, tune)


def _tuning_document(found: "TuningResult") -> dict[str, Any]:
    return {
        "model": found.kind,
        "best": found.best,
        "found": found.found,
        "is_better": found.is_better,
        "score": found.score,
        "start": found.starting_score,
        "later_score": found.later_score,
        "later_start": found.later_starting_score,
        "trials": found.trials.to_dicts(),
    }


def _tuning_verdict(found: "TuningResult", output: Path, command: str) -> str:
    judged = f"on later folds, which chose nothing, {found.later_score:.4f} against {found.later_starting_score:.4f}"
    searched = f"{found.kind}: mean PR-AUC {found.score:.4f} on the folds, from {found.starting_score:.4f} at the start"
    if not found.is_better:
        return f"{searched}; {judged}: no better there, so {output} keeps the settings of the start"
    return f"{searched}; {judged}; use it by `{command}`"


def _document(model: str, scores: "pl.DataFrame") -> dict[str, Any]:
    rows = [{name: _plain(value) for name, value in row.items()} for row in scores.iter_rows(named=True)]
    return {"schema_version": 1, "model": model, "scores": rows}


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _print_scores(model: str, scores: "pl.DataFrame", total: int) -> None:
    from rich.table import Table

    from purchase_pred_cli.console import print_result, shown

    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = f"{shown(model)}: {len(scores):,} of {total:,} scores"
    shown_columns = scores.drop(name for name in _UNTOLD if name in scores.columns)
    for name in shown_columns.columns:
        is_reason = name.startswith("reason_")
        table.add_column(name, justify="left" if is_reason else "right", no_wrap=not is_reason)
    for row in shown_columns.iter_rows():
        table.add_row(*(shown(_text(value)) for value in row))
    print_result(table)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:%Y-%m-%d %H:%M:%S}" if hasattr(value, "isoformat") else str(value)
