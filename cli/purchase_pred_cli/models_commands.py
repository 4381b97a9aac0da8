"""Commands about the models of a workspace: models list, use, rollback, prune and compare."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from purchase_pred_cli.completion import model_names
from purchase_pred_cli.options import CHANGING, READING, Common, command_options

if TYPE_CHECKING:
    from purchase_pred.pipeline.tasks.models import Comparison, ListedModel

_FINGERPRINT = 12
_FIGURES = {"average_precision": "PR-AUC", "log_loss": "log-loss", "profit": "profit"}
_NAME = typer.Argument(help="Folder, name or kind of a model.", autocompletion=model_names)


class _ListByDefault(typer.core.TyperGroup):
    """Takes `models` alone, or with options only, as `models list`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        names_one = bool(args) and (not args[0].startswith("-") or args[0] in {"-h", "--help"})
        return super().parse_args(ctx, args if names_one else ["list", *args])


app = typer.Typer(
    cls=_ListByDefault, help="List the models (the default), choose the one in use, compare two, clear old ones away."
)


@app.command(name="list")
@command_options(*READING)
def list_(common: Common) -> None:
    """List the models: target, PR-AUC, age, data learnt from, and which one is in use."""
    from purchase_pred.pipeline.tasks.models import list_models
    from purchase_pred_cli.console import print_json

    found, now = list_models(common.open_workspace()), datetime.now(UTC)
    if common.as_json:
        taken = next((model.name for model in found if model.is_in_use), None)
        print_json({"schema_version": 1, "in_use": taken, "models": [_model(model, now) for model in found]})
    else:
        _print_models(found, now)


@app.command()
@command_options(*CHANGING)
def use(common: Common, *, name: Annotated[str, _NAME]) -> None:
    """Put a model in use: score, evaluate and explain take it unless another is named."""
    from purchase_pred.pipeline.tasks.models import use_model

    before, now = use_model(common.open_workspace(), name)
    _tell_change(common, before, now)


@app.command()
@command_options(*CHANGING)
def rollback(common: Common) -> None:
    """Go back to the model that was in use before."""
    from purchase_pred.pipeline.tasks.models import go_back

    before, now = go_back(common.open_workspace())
    _tell_change(common, before, now)


@app.command()
@command_options(*CHANGING, "dry_run")
def prune(
    common: Common,
    *,
    keep: Annotated[int, typer.Option("--keep", min=1, metavar="N", help="How many of the newest of each kind stay.")],
) -> None:
    """Remove old models; the one in use stays, and the one that a rollback would go back to."""
    from dataclasses import asdict

    from purchase_pred.pipeline.tasks.models import prune_models
    from purchase_pred_cli.console import print_json, print_text

    going = prune_models(common.open_workspace(), keep=keep, dry_run=common.dry_run)
    if common.as_json:
        removed = [asdict(model) for model in going]
        print_json({"schema_version": 1, "dry_run": common.dry_run, "removed": removed})
        return
    verb = "would be removed" if common.dry_run else "removed"
    lines = [f"{verb}: {model.name} ({model.bytes / 1e6:.1f} MB)" for model in going]
    print_text("\n".join(lines) or "nothing to remove")


@app.command()
@command_options(*READING)
def compare(
    common: Common,
    *,
    first: Annotated[str, _NAME],
    second: Annotated[str, _NAME],
    top: Annotated[int, typer.Option("--top", min=0, help="Rows to show on which they disagree most.")] = 10,
) -> None:
    """Judge two models on the rows of test: differences with intervals, and where they disagree most."""
    from purchase_pred.pipeline.tasks.models import compare_models
    from purchase_pred_cli.console import print_json

    found = compare_models(common.open_workspace(), common.resolve(), first, second, most=top)
    if common.as_json:
        print_json(_document(found))
    else:
        _print_comparison(found)


def _tell_change(common: Common, before: str | None, now: str) -> None:
    from purchase_pred_cli.console import print_json, print_text

    if common.as_json:
        print_json({"schema_version": 1, "in_use": now, "before": before})
    elif before == now:
        print_text(f"{now} is in use already")
    else:
        print_text(f"in use: {now} (before: {before or 'none chosen, so the newest'})")


def _model(model: "ListedModel", now: datetime) -> dict[str, Any]:
    return {
        "name": model.name,
        "kind": model.kind,
        "target": model.target,
        "average_precision": {"val": model.val, "test": model.test},
        "trained_at": model.trained_at.isoformat(),
        "age_days": round((now - model.trained_at).total_seconds() / 86_400, 3),
        "data_fingerprint": model.fingerprint,
        "in_use": model.is_in_use,
    }


def _print_models(models: "list[ListedModel]", now: datetime) -> None:
    from rich.table import Table

    from purchase_pred_cli.console import print_result, print_text, shown

    if not models:
        print_text("no models; `purchase-pred run all` trains some")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("", "model", "PR-AUC val", "PR-AUC test", "age", "data", "target"):
        table.add_column(heading, overflow="fold", justify="right" if heading.startswith(("PR", "age")) else "left")
    for model in models:
        cells = (model.name, _figure(model.val), _figure(model.test), _age(now - model.trained_at))
        data = (model.fingerprint or "-")[:_FINGERPRINT]
        table.add_row("in use" if model.is_in_use else "", *map(shown, (*cells, data, model.target or "-")))
    print_result(table)
    if not any(model.is_in_use for model in models):
        print_text("the model in use is gone; `purchase-pred models rollback` or `models use NAME` chooses another")


def _age(age: Any) -> str:
    seconds = max(0, int(age.total_seconds()))
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    return next(f"{seconds // length} {unit}" for unit, length in units if seconds >= length or length == 1)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4f}"


def _document(found: "Comparison") -> dict[str, Any]:
    from dataclasses import asdict

    rows = found.disagreements.iter_rows(named=True)
    return {
        "schema_version": 1,
        "first": found.first,
        "second": found.second,
        "rows": found.rows,
        "positives": found.positives,
        "resamples": found.resamples,
        "thresholds": dict(zip(("first", "second"), found.thresholds, strict=True)),
        "differences": {name: asdict(one) for name, one in found.differences.items()},
        "top_1pct_in_common": found.top_in_common,
        "disagreements": [{name: _plain(value) for name, value in row.items()} for row in rows],
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _print_comparison(found: "Comparison") -> None:
    from rich.table import Table

    from purchase_pred_cli.console import print_result, print_text, shown

    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = f"test: {found.rows:,} rows, {found.positives:,} positives"
    for heading in ("", found.first, found.second, "difference", "95 % interval over users"):
        table.add_column(shown(heading), justify="right" if heading else "left")
    for name, label in _FIGURES.items():
        one = found.differences[name]
        interval = "-" if one.interval_95 is None else " to ".join(f"{bound:+,.4f}" for bound in one.interval_95)
        difference = "-" if one.difference is None else f"{one.difference:+,.4f}"
        table.add_row(label, _figure(one.first), _figure(one.second), difference, interval)
    print_result(table)
    if found.top_in_common is not None:
        print_text(f"of the best 1 % of rows, {found.top_in_common:.0%} are the same")
    if found.disagreements.is_empty():
        return
    rows = Table(box=None, pad_edge=False, title="where they disagree most", title_justify="left", title_style="bold")
    for name in found.disagreements.columns:
        rows.add_column(name, justify="right", no_wrap=True)
    for row in found.disagreements.iter_rows():
        rows.add_row(*(shown(f"{value:.4f}" if isinstance(value, float) else str(value)) for value in row))
    print_result(rows)
