"""Charts of monitoring: days by event type, features that moved, probabilities against labels by week."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from purchase_pred.report.axes import bare, dates_below, day_number, label_bar
from purchase_pred.report.plots import canvas, clean, colour
from purchase_pred.report.words import number, shortened

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    import polars as pl

_HALF_A_WEEK = timedelta(days=3.5)


def volume_chart(volumes: pl.DataFrame, /, *, since: date, alarmed: Collection[tuple[str, date]]) -> str:
    """Draw each day's events of every type, and its users: new days dark, those with an alarm marked by a cross."""
    subjects = volumes["subject"].unique(maintain_order=True).to_list()
    with canvas("volumes", title="Events and users by day", height=0.4 + 0.95 * len(subjects)) as drawn:
        for axes, subject in zip(drawn.axes(len(subjects), sharex=True), subjects, strict=True):
            days = volumes.filter(subject=subject).sort("day")
            places = [day_number(day) for day in days["day"]]
            counts = days["figure"].to_list()
            new = [place for place, day in enumerate(days["day"]) if day >= since]
            axes.plot(places, counts, color=colour("soft"), linewidth=1.2)
            axes.plot([places[i] for i in new], [counts[i] for i in new], color=colour("first"), marker=".")
            odd = [place for place, day in enumerate(days["day"]) if (subject, day) in alarmed]
            axes.plot([places[i] for i in odd], [counts[i] for i in odd], "X", color=colour("second"), markersize=9)
            axes.set_ylim(bottom=0)
            axes.set_title(shortened(subject), loc="left", fontsize=9.0, color=colour("ink"))
            axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
            clean(axes, grid="y")
            dates_below(axes)
    return drawn.svg


def movers_chart(features: pl.DataFrame, /) -> str:
    """Draw the stability index of features against training: now, and as a line the largest of the windows before."""
    shown = features.reverse()
    with canvas("movers", title="Features by stability index", height=0.5 + 0.27 * shown.height) as drawn:
        (axes,) = drawn.axes()
        rows = [(float(psi), float(usual or 0.0)) for psi, usual in shown.select("psi", "psi_usual").iter_rows()]
        for place, (psi, usual) in enumerate(rows):
            axes.barh(place, psi, height=0.66, color=colour("first"))
            if usual:
                axes.plot([usual, usual], [place - 0.4, place + 0.4], color=colour("second"), linewidth=2.0)
            label_bar(axes, max(psi, usual), place, number(psi, 2))
        axes.set_yticks(range(shown.height), [shortened(name) for name in shown["feature"]])
        axes.set(xlim=(0, 1.25 * max([0.1, *map(max, rows)])))
        axes.set_xlabel("stability index; line: the windows before")
        bare(axes)
    return drawn.svg


def calibration_chart(weeks: pl.DataFrame, /) -> str:
    """Draw the share of positives of every week with its interval, and what probabilities said of the same rows."""
    known = weeks.drop_nulls("realised")
    with canvas("calibration", title="Predicted and realised share, by week", height=2.2) as drawn:
        (axes,) = drawn.axes()
        middle = [day_number(week + _HALF_A_WEEK) for week in known["week"]]
        bars = np.maximum(np.vstack([known["realised"] - known["low"], known["high"] - known["realised"]]), 0.0)
        axes.errorbar(
            middle, known["realised"], yerr=bars, color=colour("first"), marker="o", markersize=4,
            linestyle="none", elinewidth=1.0, label="realised",
        )  # fmt: skip
        axes.plot(middle, known["predicted"], color=colour("second"), marker="_", markersize=10, label="predicted")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.3g} %"))
        dates_below(axes)
        clean(axes, grid="y")
        drawn.figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return drawn.svg


def performance_chart(weeks: pl.DataFrame, /) -> str:
    """Draw the PR-AUC of every week: estimated from probabilities, and realised where labels are known."""
    with canvas("performance", title="Estimated and realised PR-AUC, by week", height=2.2) as drawn:
        (axes,) = drawn.axes()
        for column, role, label in (
            ("estimated", "second", "estimated"),
            ("average_precision", "first", "realised, where labels are known"),
        ):
            part = weeks.drop_nulls(column)
            middle = [day_number(week + _HALF_A_WEEK) for week in part["week"]]
            axes.plot(middle, part[column], color=colour(role), marker="o", markersize=4, label=label)
        axes.set_ylim(bottom=0)
        dates_below(axes)
        clean(axes, grid="y")
        drawn.figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return drawn.svg
