"""The command monitor: whether the log and the model are still what they were."""

from typing import TYPE_CHECKING, Annotated

import typer

from purchase_pred_cli.model_options import AsOf, Model, asked_moment
from purchase_pred_cli.options import READING, Common, command_options

if TYPE_CHECKING:
    import polars as pl

    from purchase_pred.monitoring.verdict import Verdict


@command_options(*READING)
def monitor(
    common: Common,
    *,
    as_of: AsOf = None,
    model: Model = None,
    page: Annotated[
        bool, typer.Option("--page/--no-page", help="Draw monitor.html into the workspace, or leave it alone.")
    ] = True,
) -> None:
    """Hold the latest days and the model's rows against what was before; exit with 3 when a limit is passed."""
    from purchase_pred.errors import GateError
    from purchase_pred.monitoring.verdict import verdict_document
    from purchase_pred.pipeline.model_files import find_model
    from purchase_pred.pipeline.tasks.monitor import monitor as monitor_workspace
    from purchase_pred.pipeline.tasks.monitor import write_page
    from purchase_pred_cli.console import Screen, print_json, print_text

    workspace = common.open_workspace()
    folder = find_model(workspace, model)
    moment = asked_moment(as_of)
    warns = Screen(quiet=common.quiet).warns
    verdict = monitor_workspace(workspace, common.resolve(), model=folder, as_of=moment, warns=warns)
    drawn = write_page(workspace, verdict) if page else None
    if common.as_json:
        print_json(verdict_document(verdict))
    else:
        _print(verdict)
        if drawn:
            print_text(f"page: {drawn}")
    if verdict.limits_passed:
        raise GateError(f"{len(verdict.alarms):,} findings beyond a limit: {', '.join(verdict.limits_passed)}")


COMMANDS = (monitor,)


def _print(verdict: "Verdict") -> None:
    from rich.table import Table

    from purchase_pred_cli.console import print_result, shown

    days = verdict.days
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = shown(f"{verdict.model} as of {verdict.as_of:%Y-%m-%d %H:%M} UTC: days from {days.since}")
    for heading in ("", "check", "of", "day", "found", "usual", "limit", "meaning"):
        is_figure = heading in {"found", "usual", "limit"}
        table.add_column(heading, justify="right" if is_figure else "left", overflow="fold")
    for row in verdict.findings.iter_rows(named=True):
        figures = (_figure(row[name]) for name in ("found", "usual", "limit"))
        day = f"{row['day']:%a %d %b}" if row["day"] else ""
        told = (row["check"], row["subject"], day, *figures, row["meaning"])
        table.add_row("ALARM" if row["alarm"] else "", *map(shown, told), style="bold" if row["alarm"] else "")
    print_result(table)
    if verdict.rows:
        _print_performance(verdict.rows.performance)


def _print_performance(performance: "pl.DataFrame") -> None:
    from rich.table import Table

    from purchase_pred_cli.console import print_result, shown

    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = "PR-AUC: estimated from probabilities, and realised where labels are known"
    for heading in ("rows", "count", "estimated", "95 % if right", "realised"):
        table.add_column(heading, justify="left" if heading == "rows" else "right")
    for row in performance.filter(metric="average_precision").iter_rows(named=True):
        interval = "-" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
        realised = _figure(row["realised"])
        if row["realised"] is not None and row["labelled"] < row["rows"]:
            realised += f" (of {row['labelled']:,})"
        cells = (row["period"], f"{row['rows']:,}", _figure(row["estimated"]), interval, realised)
        table.add_row(*map(shown, cells))
    print_result(table)


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.3f}"
