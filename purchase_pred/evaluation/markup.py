"""Pieces of HTML: every text that comes from data passes through here and is escaped."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final

from purchase_pred.evaluation.words import THIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_PERCENT: Final = re.compile(r"(?<=\d) %")


def section(name: str, title: str, /, *parts: str) -> str:
    """Return a section of the page with a heading that the contents link to."""
    return "\n".join([f'<section id="{name}">', f"<h2>{_text(title)}</h2>", *parts, "</section>"])


def paragraph(text: str, /, *, kind: str = "") -> str:
    """Return a paragraph.

    Examples
    --------
    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    return f"<p{_class(kind)}>{_text(text)}</p>"


def figure(svg: str, caption: str, /) -> str:
    """Return a chart with what it says."""
    return f"<figure>{svg}<figcaption>{_text(caption)}</figcaption></figure>"


def card(term: str, value: str, note: str, /) -> str:
    """Return a figure that stands out, with its name and what it means."""
    parts = (_text(part) for part in (term, value, note))
    return "<div><dt>{}</dt><dd><strong>{}</strong><small>{}</small></dd></div>".format(*parts)


def cards(found: Iterable[str], /) -> str:
    """Return several cards side by side."""
    return f'<dl class="cards">{"".join(found)}</dl>'


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    /,
    *,
    caption: str = "",
    texts: Sequence[int] = (),
    kinds: Mapping[int, str] | None = None,
) -> str:
    """Return a table whose first column names its rows.

    Parameters
    ----------
    columns, rows
        Headings and cells; a row of one cell is a heading over the rows below it.
    caption
        What the table shows.
    texts
        Positions of columns of text, which stand at the left.
    kinds
        Position of a row to the class it is drawn in.
    """
    head = "".join(
        f'<th scope="col"{_class("text" * (i in texts))}>{_text(name)}</th>' for i, name in enumerate(columns)
    )
    body = "".join(
        f"<tr{_class((kinds or {}).get(position, ''))}>{_cells(row, len(columns), texts)}</tr>"
        for position, row in enumerate(rows)
    )
    title = f"<caption>{_text(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def bullets(texts: Iterable[str], /) -> str:
    """Return a list of sentences."""
    return f"<ul>{''.join(f'<li>{_text(text)}</li>' for text in texts)}</ul>"


def folded(title: str, /, *parts: str) -> str:
    """Return what a reader may open; it needs no script."""
    return f"<details><summary>{_text(title)}</summary>{''.join(parts)}</details>"


def _cells(row: Sequence[str], columns: int, texts: Sequence[int]) -> str:
    if len(row) == 1:
        return f'<th scope="rowgroup" colspan="{columns}">{_text(row[0])}</th>'
    first = f'<th scope="row">{_text(row[0])}</th>'
    return first + "".join(f"<td{_class('text' * (i in texts))}>{_text(cell)}</td>" for i, cell in enumerate(row) if i)


def _text(text: str) -> str:
    """Return a text as HTML, in which no number is parted from its percent sign and no PR from its AUC."""
    return _PERCENT.sub(THIN + "%", escape(text, quote=False)).replace("-AUC", "\u2011AUC")


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
