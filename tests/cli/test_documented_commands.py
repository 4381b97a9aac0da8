"""Every command that the README or a page of docs/ shows is one that the program understands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from purchase_pred_cli.app import app
from purchase_pred_cli.options import with_whole_waits

from purchase_pred.settings.loading import resolve_settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), ROOT / "benchmarks/README.md"])
FENCED = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINE = re.compile(r"^\s*(?:\$ |[\d*/]+(?: [\d*/]+){4} )?(?:[A-Z_]+=\S+ )*purchase-pred (.*)$")
"""A line of a shell or of a crontab, with variables before the command."""
END_OF_COMMAND = re.compile(r"\s(?:\\?\||;|&|>|#).*$")


def shown(page: Path) -> set[str]:
    """Return what follows the program's name in the commands of a page, each on one line."""
    text = page.read_text(encoding="utf-8")
    lines = [line for block in FENCED.findall(text) for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    lines += INLINE.findall(FENCED.sub("", text))
    return {END_OF_COMMAND.sub("", found[1]) for line in lines if (found := LINE.match(line))}


def understood(arguments: list[str]) -> dict[str, Any]:
    """Find the command and read its options and arguments, as a call does before it runs."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("purchase-pred", with_whole_waits(arguments))
    while hasattr(command, "resolve_command") and (rest := [*context._protected_args, *context.args]):  # noqa: SLF001
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
    return context.params


COMMANDS = sorted({command for page in PAGES for command in shown(page)})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_a_page_shows_is_understood(command: str) -> None:
    given = understood(shlex.split(command))
    resolve_settings(files=[], assignments=given.get("assignments", []))


@pytest.mark.parametrize("command", ["sessionise", "features --splt val", "score --top many", "features --split nine"])
def test_a_command_that_does_not_exist_is_not_understood(command: str) -> None:
    with pytest.raises(typer._click.exceptions.UsageError):  # noqa: SLF001  # Typer brings its own Click
        understood(shlex.split(command))


def test_a_continued_line_is_one_command_and_what_follows_a_pipe_is_none(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "  ```console\n  $ A_B=1 purchase-pred run all \\\n      --force | head\n  ```\n`purchase-pred status`\n"
    )
    assert shown(page) == {"run all --force", "status"}
