"""The feature dictionary on the screen."""

from typing import TYPE_CHECKING

from rich.table import Table

from purchase_pred.features import describe_features
from purchase_pred_cli.console import print_json, print_result, shown

if TYPE_CHECKING:
    from purchase_pred.settings.features import FeatureSettings


def print_dictionary(settings: "FeatureSettings", /, *, as_json: bool) -> None:
    """Print every feature with its definition, window, entity, unit and null rule."""
    described = describe_features(settings)
    if as_json:
        print_json({"schema_version": 1, "features": described.to_dicts()})
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("what it is")
    for row in described.iter_rows(named=True):
        facts = (row["group"], f"by {row['entity']}", f"window {row['window']}", row["unit"], row["null_rule"])
        about = "; ".join(facts)
        table.add_row(shown(row["name"]), f"{shown(row['definition'])} [dim]({shown(about)})[/dim]")
    print_result(table)
