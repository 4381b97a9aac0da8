"""The parts of docs/nightly.md that were measured, written between marks so that none of them is typed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE: Final = Path(__file__).parents[2] / "docs" / "nightly.md"


def write_block(name: str, lines: Sequence[str], /, *, page: Path = PAGE) -> None:
    """Replace what stands between the marks of a block.

    Raises
    ------
    ValueError
        The page has no such block.
    """
    block = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    text = page.read_text()
    if not block.search(text):
        raise ValueError(f"{page}: no block {name!r}")
    written = "\n".join(lines)
    page.write_text(block.sub(lambda found: f"{found[1]}{written}\n{found[2]}", text))
