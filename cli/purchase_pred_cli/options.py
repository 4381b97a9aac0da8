"""The options that commands share, declared once and handed to a command as one object."""

import inspect
import shlex
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from purchase_pred_cli.completion import setting_keys
from purchase_pred_cli.failures import reporting_failures
from purchase_pred_cli.paths import checked_paths
from purchase_pred_cli.scratch import offer_scratch

if TYPE_CHECKING:
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings.loading import ResolvedSettings

_PANEL = "Options of every command"
_WAIT = "--wait"
_AS_LONG_AS_IT_TAKES = timedelta(days=36_500)
_WORDS_TOLD = 2


@dataclass(frozen=True)
class Common:
    """What the user said beside a command's own arguments."""

    workspace: Annotated[
        Path,
        typer.Option(
            "--workspace",
            "-w",
            help="Folder that everything lies under, or s3://BUCKET/PREFIX on a store (extra `s3`).",
            rich_help_panel=_PANEL,
        ),
    ] = Path()
    config: Annotated[
        list[Path],
        typer.Option(
            "--config",
            "-c",
            metavar="FILE",
            rich_help_panel=_PANEL,
            help="YAML file with any part of the settings; repeatable, later files go before earlier ones. "
            "No file is read unasked, not even ./configs.",
        ),
    ] = field(default_factory=list)
    assignments: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="KEY.PATH=VALUE",
            help="Set one value (YAML); repeatable.",
            rich_help_panel=_PANEL,
            autocompletion=setting_keys,
        ),
    ] = field(default_factory=list)
    force: Annotated[bool, typer.Option("--force", help="Run even what is up to date.", rich_help_panel=_PANEL)] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run and why.", rich_help_panel=_PANEL)] = (
        False
    )
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=_PANEL)] = False
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the log as it is written.", rich_help_panel=_PANEL)
    ] = False
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.", rich_help_panel=_PANEL)] = (
        False
    )
    wait: Annotated[
        str | None,
        typer.Option(
            _WAIT,
            metavar="[DURATION]",
            help="Wait for another run that holds the workspace, so long at most; alone: as long as it takes.",
            rich_help_panel=_PANEL,
        ),
    ] = None

    @property
    def folder(self) -> Path:
        """The folder of the workspace on this machine: that of its copy, where it lies on a store."""
        from purchase_pred.pipeline.store.address import store_address

        address = store_address(self.workspace)
        return address.folder() if address else self.workspace

    def open_workspace(self) -> "Workspace":
        """Return the workspace, which need not exist yet.

        Raises
        ------
        ConfigError
            What was said after `--wait` is no duration.
        PurchasePredError
            It lies on a store, which cannot be worked with.
        """
        from purchase_pred.pipeline.engine.workspace import Workspace
        from purchase_pred.pipeline.store.copy import opened
        from purchase_pred_cli.console import Screen

        return opened(
            Workspace(
                self.workspace,
                command=_command_typed(),
                patience=timedelta() if self.wait is None else _patience(self.wait),
                tells=Screen(quiet=self.quiet).note,
            )
        )

    def resolve(self, *assignments: str) -> "ResolvedSettings":
        """Return the settings as the user gave them; `assignments` come from other options and go before all."""
        from purchase_pred.settings.loading import resolve_settings

        return resolve_settings(files=self.config, assignments=[*self.assignments, *assignments])

    def typed(self, command: str, *, config: Sequence[Path] = (), without: Collection[str] = ()) -> str:
        """Return a command with this workspace and these settings, as it is typed into a shell.

        `config` are files on top of the user's own; `without` are keys that they decide, so that no ``--set`` does.
        """
        assignments = [text for text in self.assignments if text.partition("=")[0].strip() not in without]
        words = [
            *("purchase-pred", *command.split()),
            *(("-w", _as_typed(self.workspace)) if self.workspace != Path() else ()),
            *(word for path in (*self.config, *config) for word in ("--config", str(path))),
            *(word for text in assignments for word in ("--set", text)),
        ]
        return shlex.join(words)


READING = ("workspace", "config", "assignments", "quiet", "verbose", "as_json")
"""Options of commands that run no stage."""
CHANGING = (*READING, "wait")
"""Options of such commands that write to the workspace all the same."""


def command_options(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these options, or all of them, and report its failures; it receives them as `common`.

    The command's own parameters come first in its help. Typer reads signature and annotations, so both are set.
    """
    shared = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, default=_default(parameter))
        for name, parameter in inspect.signature(Common, eval_str=True).parameters.items()
        if not names or name in names
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, parameter in inspect.signature(command, eval_str=True).parameters.items()
            if name != "common"
        ]

        def run(**given: Any) -> None:
            given = checked_paths(given, as_json=given.get("as_json", False))
            common = Common(**{parameter.name: given.pop(parameter.name) for parameter in shared})
            with reporting_failures(common.folder, verbose=common.verbose, as_json=common.as_json):
                offer_scratch(common.folder)
                command(common=common, **given)

        parameters = [*own, *shared]
        run.__name__ = command.__name__
        run.__doc__ = command.__doc__
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect looks for
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def with_whole_waits(arguments: Sequence[str], /) -> list[str]:
    """Return the arguments with an equals sign behind each `--wait`, which may stand alone.

    Examples
    --------
    >>> with_whole_waits(["run", "all", "--wait", "--wait", "5m", "--wait", "-q"])
    ['run', 'all', '--wait=', '--wait=5m', '--wait=', '-q']
    """
    whole: list[str] = []
    for argument in arguments:
        if whole and whole[-1] == f"{_WAIT}=" and argument[:1].isdigit() and argument.isalnum():
            whole[-1] += argument
        else:
            whole.append(f"{_WAIT}=" if argument == _WAIT else argument)
    return whole


def _as_typed(workspace: Path) -> str:
    from purchase_pred.pipeline.store.address import store_address

    address = store_address(workspace)
    return address.text if address else str(workspace)


def _patience(text: str) -> timedelta:
    from purchase_pred.durations import parse_duration
    from purchase_pred.errors import ConfigError

    if not text:
        return _AS_LONG_AS_IT_TAKES
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"{_WAIT}: {error}") from error


def _command_typed() -> str:
    """Return the words that name the command, without what it is asked about, which may be a person."""
    words = [*sys.argv[1:], "-"]
    first_option = next(place for place, word in enumerate(words) if word.startswith("-"))
    return " ".join(("purchase-pred", *words[: min(first_option, _WORDS_TOLD)]))


def _default(parameter: inspect.Parameter) -> Any:
    """Return a default that Typer understands where a dataclass has a factory."""
    return [] if parameter.annotation.__origin__ in {list[Path], list[str]} else parameter.default
