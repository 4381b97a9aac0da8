"""What a leakage check did and found, as a table and as JSON."""

from typing import TYPE_CHECKING

from rich.table import Table

from purchase_pred_cli.console import print_json, print_result, print_text

if TYPE_CHECKING:
    from purchase_pred.leakage import LeakageReport

_NUMBERS = ("trials", "events altered", "rows compared", "features moved")


def print_leakage(report: "LeakageReport", /, *, as_json: bool) -> None:
    """Print what was altered and the verdict, or one JSON document."""
    if as_json:
        print_json({"schema_version": 1, **report.to_dict()})
        return
    print_result(_tamperings(report))
    print_text(f"\n{report}")


def _tamperings(report: "LeakageReport") -> Table:
    """Return one line per tampering, its trials taken together."""
    table = Table(box=None, pad_edge=False)
    table.add_column("tampering", no_wrap=True)
    for heading in _NUMBERS:
        table.add_column(heading, justify="right")
    for tampering in dict.fromkeys(trial.tampering for trial in report.trials):
        trials = [trial for trial in report.trials if trial.tampering == tampering]
        moved = len({name for trial in trials for name in trial.moved})
        counts = (len(trials), sum(trial.edits for trial in trials), sum(trial.rows for trial in trials))
        style = "red" if moved else "green"
        table.add_row(tampering, *(f"{count:,}" for count in counts), f"[{style}]{moved:,}[/{style}]")
    return table
