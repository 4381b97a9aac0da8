"""The feature dictionary on the screen."""

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from purchase_pred.features import describe_features
from purchase_pred_cli.console import print_json, print_result

if TYPE_CHECKING:
    from purchase_pred.settings.features import FeatureSettings


def print_dictionary(settings: "FeatureSettings", /, *, as_json: bool) -> None:
    """Print every feature with its definition, window, entity, unit and null rule."""
    described = describe_features(settings)
    if as_json:
        print_json({"schema_version": 1, "features": described.to_dicts()})
        return
    table = Table(box=None, pad_edge=False)
    for name in described.columns:
        table.add_column(name, overflow="fold", no_wrap=name == "name")
    for row in described.iter_rows():
        table.add_row(*(escape(value or "") for value in row))
    print_result(table)
