"""The page of what further features gained, of what the benchmark found and of nothing else."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.quality.candidates import CANDIDATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE: Final = Path(__file__).parents[2] / "docs" / "gains.md"
QUESTIONS: Final[Mapping[str, str]] = {
    "user_item": "Who buys which item, asked at the end of each session (the default)",
    "user": "Who buys anything, asked every three days",
}
_WIDTH: Final = 120
_RULE: Final = (
    "What winners of public competitions use and the dictionary lacks, tried on the default world: the columns are "
    "joined to the finished feature rows and both boosters trained with and without them. Figures are the mean "
    "differences over worlds and boosters, in thousandths, and in brackets their 95 % intervals by bootstrap over "
    "users, the same ones with and without. The rule was set beforehand: a group passes if on validation PR-AUC gains "
    "more than 2 thousandths and more than columns of noise do, or if log-loss falls with both boosters in every "
    "world. Test decides nothing. Intervals hold the luck of the users and not that of training: what columns of noise "
    "seem to gain or lose tells how large that is."
)
_REAL_LOGS: Final = (
    "Of the real logs that the benchmarks know none can judge these groups. CDNOW holds purchases alone, by day: no "
    "other types, no hours, no items, and its settings count the days with an order already. The head of REES46 has "
    "54 purchases in two and a half hours, so that no day of it is complete before any T, and nobody has a usual hour. "
    "The head of OTTO has ten orders and no prices."
)
_SCALE: Final = 1e3


def write_page(results: Path, /) -> None:
    """Write the page."""
    PAGE.write_text(page(json.loads(results.read_text(encoding="utf-8"))), encoding="utf-8")


def page(document: Mapping[str, Any], /) -> str:
    """Return the page of these results."""
    lines = ["# What further features gained", ""]
    lines += [*_wrapped("Written by `python -m benchmarks.quality.gains`; change the program, not this page."), ""]
    lines += [*_wrapped(_RULE), ""]
    for target, found in document["targets"].items():
        lines += [f"## {QUESTIONS[target]}", "", *_wrapped(_without(found)), "", *_table(found), ""]
    lines += ["## Real logs", "", *_wrapped(_REAL_LOGS), "", "## What was tried", ""]
    for name, candidate in CANDIDATES.items():
        said = (candidate.__doc__ or "").split("\n")[0].removeprefix("Return ")
        columns = document["targets"]["user_item"]["groups"][name]["columns"]
        lines += _wrapped(f"- **{name}**: {said} Columns: {', '.join(f'`{column}`' for column in columns)}.")
    return "\n".join(lines) + "\n"


def _without(found: Mapping[str, Any]) -> str:
    figures = ", ".join(
        f"{of.replace('average_precision', 'PR-AUC').replace('log_loss', 'log-loss')} of {name} {value:.4f}"
        for split, name in (("val", "validation"), ("test", "test"))
        for of, value in found["without"][split].items()
    )
    kept = [name for name, group in found["groups"].items() if group["kept"]]
    return (
        f"Worlds of seeds {', '.join(map(str, found['seeds']))}. Without them: {figures}. "
        f"The rule passes: {', '.join(kept) or 'none'}."
    )


def _table(found: Mapping[str, Any]) -> Iterator[str]:
    yield "| group | PR-AUC, validation | log-loss, validation | better in | PR-AUC, test | log-loss, test | passes |"
    yield "|---|---|---|---|---|---|---|"
    for name, group in found["groups"].items():
        val, test = group["val"], group["test"]
        better = f"{val['average_precision_better']} and {val['log_loss_better']} of {val['cells']}"
        cells = [_cell(split[of]) for split in (val, test) for of in ("average_precision", "log_loss")]
        kept = "yes" if group["kept"] else "no"
        yield f"| {' | '.join([name, *cells[:2], better, *cells[2:], kept])} |"


def _cell(difference: Mapping[str, float]) -> str:
    mean, low, high = (_SCALE * difference[name] for name in ("mean", "low", "high"))
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text, _WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent="  " * text.startswith("- ")
    )
