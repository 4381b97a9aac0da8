"""How believable the synthetic shop is, on the screen."""

from typing import TYPE_CHECKING

import typer
from rich.table import Table

from purchase_pred_cli.console import print_result, shown

if TYPE_CHECKING:
    import polars as pl


def print_realism(report: "pl.DataFrame", /) -> None:
    """Print each figure beside the band of a believable shop, and how many lie within theirs."""
    table = Table(box=None, pad_edge=False)
    for heading in ("measure", "observed", "band", "in band"):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "measure" else "right")
    table.add_column("meaning")
    for row in report.iter_rows(named=True):
        observed = "-" if row["observed"] is None else f"{row['observed']:.2%}"
        verdict = "[green]yes[/green]" if row["in_band"] else "[red]no[/red]"
        band = f"{row['low']:.1%} - {row['high']:.1%}"
        table.add_row(row["measure"], observed, band, verdict, shown(row["meaning"]))
    print_result(table)
    typer.echo(f"{report['in_band'].sum()} of {report.height} figures lie in the band of a believable shop.")
