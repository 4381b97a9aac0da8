"""Commands about settings: config show, init and schema."""

import json
from pathlib import Path
from typing import Annotated

import typer

from purchase_pred_cli.options import Common, command_options

app = typer.Typer(no_args_is_help=True, help="Show the settings, write the defaults, print their JSON Schema.")


@app.command()
@command_options("workspace", "config", "assignments", "as_json")
def show(common: Common) -> None:
    """Print every setting with its value and where it comes from."""
    from purchase_pred.settings.loading import flat_settings
    from purchase_pred_cli.console import print_json

    resolved = common.resolve()
    values = flat_settings(resolved.settings)
    if common.as_json:
        print_json({key: {"value": value, "origin": resolved.origins[key]} for key, value in values.items()})
        return
    from rich.table import Table

    from purchase_pred_cli.console import print_result, shown

    table = Table(box=None, pad_edge=False)
    for heading in ("key", "value", "origin"):
        table.add_column(heading, overflow="fold")
    for key, value in values.items():
        origin = resolved.origins[key]
        style = "dim" if origin == "default" else "cyan"
        table.add_row(key, shown(json.dumps(value)), f"[{style}]{shown(origin)}[/{style}]")
    print_result(table)


@app.command()
@command_options("workspace", "force")
def init(
    common: Common,
    folder: Annotated[Path, typer.Argument(help="Where to write, within the workspace.")] = Path("configs"),
) -> None:
    """Write the three YAML files with the defaults, to be edited and given with --config."""
    from purchase_pred.errors import ConfigError
    from purchase_pred.settings.yaml_files import shipped_config_files
    from purchase_pred_cli.console import print_text

    if common.folder != common.workspace:
        raise ConfigError("configuration files are read from folders of this machine; write them to one, without -w")
    target = common.workspace / folder
    there = [name for name in (path.name for path in shipped_config_files()) if (target / name).exists()]
    if there and not common.force:
        raise ConfigError(f"{target} already holds {', '.join(there)}; --force replaces them")
    target.mkdir(parents=True, exist_ok=True)
    for path in shipped_config_files():
        (target / path.name).write_bytes(path.read_bytes())
        print_text(str(target / path.name))


@app.command()
@command_options("workspace")
def schema(common: Common) -> None:
    """Print the JSON Schema of the settings, for editors."""
    from purchase_pred.settings import Settings
    from purchase_pred_cli.console import print_json

    del common
    print_json(Settings.model_json_schema())
