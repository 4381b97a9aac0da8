"""What would run, or is out of date, and why, and what the doctor found: as a table."""

from typing import TYPE_CHECKING

from rich.table import Table

from purchase_pred_cli.console import print_result, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purchase_pred.pipeline.engine.stage import StageReport
    from purchase_pred.pipeline.tasks.doctor import Check

_STYLES = {"fresh": "green", "kept": "green", "stale": "yellow", "missing": "red"}
_FOUND = {"right": "green", "wrong": "red", "absent": "dim"}
_WOULD = {"fresh": "up to date", "kept": "kept", "stale": "would run", "missing": "would run"}


def print_plan(reports: "Sequence[StageReport]", /) -> None:
    """Print what a run would do."""
    print_result(_table(reports, _WOULD))


def print_status(reports: "Sequence[StageReport]", /) -> None:
    """Print how each stage stands."""
    print_result(_table(reports, {}))


def print_checks(checks: "Sequence[Check]", /) -> None:
    """Print what was looked at and whether it is as it should be."""
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "state", "found"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        style = _FOUND[check.state]
        table.add_row(check.name, f"[{style}]{check.state}[/{style}]", shown(check.found))
    print_result(table)


def _table(reports: "Sequence[StageReport]", words: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("stage", "state", "why"):
        table.add_column(heading, overflow="fold")
    for report in reports:
        style = _STYLES[report.state]
        word = words.get(report.state, report.state)
        table.add_row(
            report.stage,
            f"[{style}]{word}[/{style}]",
            shown("\n".join(reason for reason in report.reasons if reason != report.state)),
        )
    return table
