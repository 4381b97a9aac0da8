"""What axes of several charts have in common: bars with their length in words, dates below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib import dates

from purchase_pred.report.plots import clean, colour

if TYPE_CHECKING:
    from datetime import date

    from matplotlib.axes import Axes


def label_bar(axes: Axes, length: float, place: float, text: str, *, bold: bool = False) -> None:
    """Write what a bar amounts to behind its end."""
    weight = "bold" if bold else "normal"
    axes.annotate(text, (length, place), xytext=(4, 0), textcoords="offset points", va="center", fontweight=weight)


def bare(axes: Axes) -> None:
    """Leave names and bars alone: no grid, no lines, no ticks between."""
    clean(axes, grid="none")
    axes.tick_params(length=0)
    axes.tick_params(axis="y", labelcolor=colour("ink"), labelsize=9.0)


def dates_below(axes: Axes) -> None:
    """Write dates below an axis of time, no more than there is room for."""
    calendar: Any = dates  # its classes have no types
    locator = calendar.AutoDateLocator(minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(calendar.ConciseDateFormatter(locator))


def day_number(moment: date) -> float:
    """Return a moment in days, as axes of time count."""
    calendar: Any = dates
    return float(calendar.date2num(moment))
