"""The Typer application: every group of commands under one name."""

import sys
from contextlib import suppress
from typing import Annotated

import typer

from purchase_pred_cli import (
    config_commands,
    model_commands,
    models_commands,
    monitor_command,
    night_commands,
    stage_commands,
    workspace_commands,
)
from purchase_pred_cli.failures import WRONG_INPUT, report_usage
from purchase_pred_cli.options import with_whole_waits

_NAME = "purchase-pred"

app = typer.Typer(
    name=_NAME,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (stage_commands, model_commands, monitor_command, night_commands, workspace_commands):
    for command in group.COMMANDS:
        app.command()(command)
app.add_typer(config_commands.app, name="config")
app.add_typer(models_commands.app, name="models")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"purchase-pred {version('purchase-pred')}")
        raise typer.Exit


@app.callback()
def about(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Who will buy what, and how sure are we: from a raw click log to an evaluated model.

    `purchase-pred run all` does everything, and does again only what is no longer up to date.

    Exit codes: 0 done; 1 a stage failed; 2 wrong usage, settings or input; 3 a gate was missed or work is pending;
    130 interrupted, 143 terminated.
    """


def run_application(arguments: list[str]) -> None:
    """Run the command that the arguments name, and end the program with its exit code."""
    arguments = with_whole_waits(arguments)
    if "--json" not in arguments:
        app(arguments, prog_name=_NAME)
        return
    try:
        sys.exit(app(arguments, prog_name=_NAME, standalone_mode=False) or 0)
    except typer.TyperException as error:  # Typer exports no better name for what it raises on wrong usage
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        with suppress(typer.Exit):
            report_usage(message, as_json=True)
        sys.exit(WRONG_INPUT)
