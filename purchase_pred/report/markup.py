"""Pieces of HTML: every text that comes from data passes through here and is escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from typing import TYPE_CHECKING, Final

from purchase_pred.report.words import THIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_PERCENT: Final = re.compile(r"(?<=\d) %")


def page_head(title: str, /, *, style: str, script: str = "") -> str:
    """Return the head of a page that may run this script and draw in this style, and nothing else whatsoever.

    The policy names both by their hash: a script, a style, an attribute with code or an address that came into the
    page from data would be refused by the browser, even if it were not escaped.
    """
    runs = f"script-src '{_hash(script)}'; " if script else ""
    policy = f"default-src 'none'; {runs}style-src '{_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    return "\n".join(
        [
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<link rel="icon" href="data:,">',
            f"<title>{text(title)}</title>",
            f"<style>{style}</style>",
            "</head>",
        ]
    )


def section(name: str, title: str, /, *parts: str) -> str:
    """Return a section of the page with a heading that the contents link to."""
    return "\n".join([f'<section id="{name}">', f"<h2>{text(title)}</h2>", *parts, "</section>"])


def paragraph(told: str, /, *, kind: str = "") -> str:
    """Return a paragraph.

    Examples
    --------
    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    return f"<p{_class(kind)}>{text(told)}</p>"


def figure(svgs: str, caption: str, /) -> str:
    """Return a chart, or several that stand side by side where there is room, with what they say."""
    return f"<figure><div>{svgs}</div><figcaption>{text(caption)}</figcaption></figure>"


def card(term: str, value: str, note: str, /) -> str:
    """Return a figure that stands out, with its name and what it means."""
    parts = (text(part) for part in (term, value, note))
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
        f'<th scope="col"{_class("text" * (i in texts))}>{text(name)}</th>' for i, name in enumerate(columns)
    )
    body = "".join(
        f"<tr{_class((kinds or {}).get(position, ''))}>{_cells(row, len(columns), texts)}</tr>"
        for position, row in enumerate(rows)
    )
    title = f"<caption>{text(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def bullets(texts: Iterable[str], /) -> str:
    """Return a list of sentences."""
    return f"<ul>{''.join(f'<li>{text(told)}</li>' for told in texts)}</ul>"


def folded(title: str, /, *parts: str) -> str:
    """Return what a reader may open; it needs no script."""
    return f"<details><summary>{text(title)}</summary>{''.join(parts)}</details>"


def text(plain: str, /) -> str:
    """Return a text as HTML, in which no number is parted from its percent sign and no PR from its AUC.

    Examples
    --------
    >>> text('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return _PERCENT.sub(THIN + "%", escape(plain)).replace("-AUC", "\u2011AUC")


def _cells(row: Sequence[str], columns: int, texts: Sequence[int]) -> str:
    if len(row) == 1:
        return f'<th scope="rowgroup" colspan="{columns}">{text(row[0])}</th>'
    first = f'<th scope="row">{text(row[0])}</th>'
    return first + "".join(f"<td{_class('text' * (i in texts))}>{text(cell)}</td>" for i, cell in enumerate(row) if i)


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
