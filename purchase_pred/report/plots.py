"""Tables drawn as inline SVG whose colours are the page's own, so that they read in light, in dark and on paper."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Final, Literal

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from matplotlib.axes import Axes

ROLES: Final = ("ink", "muted", "grid", "paper", "first", "second", "third", "fourth", "soft")
"""Colours by what they are for; the page gives each a value, `--first` and so on, in light and in dark."""
LEVELS: Final = 7
"""Steps of the scale from low (`--level-0`) to high values (`--level-6`)."""

LIVE: Final = "live"
"""Begins the `gid` of what a script moves; other ids are dropped unless the drawing itself refers to them."""

WIDTH: Final = 5.0
"""Inches of a chart, at 72 points an inch: as wide as a telephone, so that its text reads there and nothing is cut."""

_SENTINELS: Final = {
    **{role: f"#fe01{index:02x}" for index, role in enumerate(ROLES)},
    **{f"level-{index}": f"#fe02{index:02x}" for index in range(LEVELS)},
}
_ROLE_OF: Final = {sentinel: role for role, sentinel in _SENTINELS.items()}
_STYLE: Final[Any] = {
    "svg.hashsalt": "purchase_pred",
    "svg.fonttype": "none",
    "figure.edgecolor": "none",
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",
    "text.parse_math": False,  # names of features and categories are theirs, dollars and all
    "font.size": 9.0,
    "text.color": _SENTINELS["ink"],
    "axes.labelcolor": _SENTINELS["muted"],
    "axes.edgecolor": _SENTINELS["muted"],
    "axes.facecolor": "none",
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "grid.color": _SENTINELS["grid"],
    "grid.linewidth": 0.6,
    "xtick.color": _SENTINELS["muted"],
    "ytick.color": _SENTINELS["muted"],
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.size": 0.0,
    "ytick.minor.size": 0.0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.labelcolor": _SENTINELS["ink"],
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "path.simplify": True,
}
_NO_METADATA: Final = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_VIEW_BOX: Final = re.compile(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>')
_COLOUR: Final = re.compile("#fe0[12][0-9a-f]{2}")
_REFERENCE: Final = re.compile(r'(?:url\(|href=")#([^")]+)')
_IDENTIFIED: Final = re.compile(r' id="([^"]*)"')
_TAG: Final = re.compile(r"<[^>]*>")
_STYLED: Final = re.compile(r' style="([^"]*)"')
_DECLARATION: Final = re.compile(r"([\w-]+): *([^;]+);? *")
_LONG_NUMBER: Final = re.compile(r"-?\d+\.\d{3,}")
_REPLACED: Final = (
    (re.compile(r"<style.*?</style>", re.DOTALL), ""),  # would apply to the whole page
    (re.compile(r"font-family: [^;\"]*; ?"), ""),
    (re.compile(r' transform="rotate\(-0 [^"]*"'), ""),
    (re.compile(r"<g id=\"patch_1\">.*?</g>", re.DOTALL), ""),  # the empty background
    (re.compile(r"xlink:href"), "href"),
    (re.compile(r"(?<=[\d.zMLCQ]) ?\n(?=[\dzMLCQ\" -])"), " "),
    (re.compile(r">\s+<"), "><"),
)


@dataclass
class Canvas:
    """A figure that is being drawn, and what will be written of it."""

    name: str
    """Begins every id in the SVG, so that many can stand on one page."""
    title: str
    """What the chart shows, for whoever does not see it."""
    figure: Figure
    svg: str = field(default="", init=False)
    """The finished SVG element, once the canvas is closed."""

    def axes(self, rows: int = 1, columns: int = 1, **options: Any) -> np.ndarray[Any, Any]:
        """Return the axes as an array of one dimension."""
        made: np.ndarray[Any, Any] = self.figure.subplots(rows, columns, squeeze=False, **options).ravel()
        return made


@contextmanager
def canvas(name: str, /, *, title: str, height: float, width: float = WIDTH) -> Iterator[Canvas]:
    """Open a canvas of so many inches; when it closes, its `svg` is complete.

    Equal drawings give equal text: no date, no random identifier, no state shared between figures.

    Examples
    --------
    >>> with canvas("empty", title="Nothing", height=1.0) as drawn:
    ...     pass
    >>> drawn.svg[:56]
    '<svg viewBox="0 0 360 72" role="img" aria-label="Nothing'
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained", dpi=72)
        drawn = Canvas(name, title, figure)
        yield drawn
        text = io.StringIO()
        backend: Any = FigureCanvasSVG(figure)  # its methods have no types
        # Not by `savefig`, which draws a figure with a layout twice.
        backend.print_svg(text, metadata=_NO_METADATA)
    drawn.svg = _inline(text.getvalue(), name, title)


def colour(role: str, /) -> str:
    """Return what to hand to matplotlib for a colour of the page, such as `first` or `level-3`."""
    return _SENTINELS[role]


def clean(axes: Axes, /, *, grid: Literal["x", "y", "both", "none"] = "both") -> None:
    """Leave of the grid only the lines named (x, y, both or none), and the axis line that carries no grid lines."""
    axes.grid(visible=False)
    if grid != "none":
        axes.grid(visible=True, axis=grid)
    for spine, axis in (("left", "x"), ("bottom", "y")):
        axes.spines[spine].set_visible(grid in {axis, "both"})


def _inline(svg: str, name: str, title: str) -> str:
    """Return an SVG element for the middle of a page: own ids, the page's colours and font, no namespaces."""
    found = _VIEW_BOX.search(svg)
    if found is None:  # pragma: no cover  (the backend always writes one)
        raise ValueError("the SVG backend wrote no view box")
    body = svg[found.end() :]
    for pattern, replacement in _REPLACED:
        body = pattern.sub(replacement, body)
    used = set(_REFERENCE.findall(body))
    body = _IDENTIFIED.sub(lambda one: one[0] if one[1] in used or one[1].startswith(LIVE) else "", body)
    for prefix in (' id="', "url(#", 'href="#'):
        body = body.replace(prefix, f"{prefix}{name}-")
    body = _TAG.sub(lambda tag: _own_tag(tag[0]), body)
    label = escape(title)
    return f'<svg viewBox="{found[1]}" role="img" aria-label="{label}"><title>{label}</title>{body.strip()}'


def _own_tag(tag: str) -> str:
    """Return a tag in the page's colours, with short numbers and with attributes in place of the style.

    The page's policy allows no style but its own; what an SVG needs of it may also stand as attributes.
    """
    tag = _COLOUR.sub(lambda sentinel: f"var(--{_ROLE_OF[sentinel[0]]})", tag)
    tag = _STYLED.sub(lambda style: _DECLARATION.sub(r' \1="\2"', style[1]), tag)
    return _LONG_NUMBER.sub(_shorter, tag)


def _shorter(digits: re.Match[str]) -> str:
    """Return a coordinate in hundredths of a point, which nobody can tell from the exact one."""
    return f"{float(digits[0]):.2f}".rstrip("0").rstrip(".")
