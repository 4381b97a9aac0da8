"""Charts of what a model was made of: splits in time, funnel, prevalence, rivals, what it builds on."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, MaxNLocator

from purchase_pred.report.axes import bare, dates_below, day_number, label_bar
from purchase_pred.report.plots import LEVELS, canvas, clean, colour
from purchase_pred.report.words import heading, number, percent, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import polars as pl
    from numpy.typing import NDArray

    from purchase_pred.wording import Wording

SPLIT_ROLES: Final = {"train": "first", "val": "third", "test": "second"}
SPLIT_NAMES: Final = {"train": "Training", "val": "Validation", "test": "Test"}
FUNNEL_NAMES: Final = {
    "sessions": "All sessions",
    "view": "with a view",
    "scroll": "with a scroll",
    "add_to_cart": "with an add to the cart",
    "purchase": "with a purchase",
}
_BARS: Final = 15
_NO_TIME: Final = timedelta()


def comparison_chart(comparison: pl.DataFrame, /, *, model: str) -> str:
    """Draw the average precision of everything that predicts, on test."""
    shown = comparison.filter(comparison["average_precision"].is_not_null()).sort("average_precision")
    with canvas(
        "comparison", title="PR-AUC on test of rules, models and ceiling", height=0.5 + 0.27 * shown.height
    ) as drawn:
        (axes,) = drawn.axes()
        for place, (name, kind, reached) in enumerate(shown.select("name", "kind", "average_precision").iter_rows()):
            role = "first" if name == model else "soft" if kind != "ceiling" else "third"
            axes.barh(place, reached, height=0.66, color=colour(role))
            label_bar(axes, reached, place, number(reached), bold=name == model)
        axes.set_yticks(range(shown.height), [shortened(heading(name)) for name in shown["name"]])
        axes.set(xlim=(0, 1.2 * max(shown["average_precision"], default=1.0)), xlabel="PR-AUC (1 is perfect)")
        bare(axes)
    return drawn.svg


def timeline_chart(boundaries: Sequence[datetime], *, horizon: timedelta, embargo: timedelta = _NO_TIME) -> str:
    """Draw the three splits in time; rows in the pale parts are purged.

    The pale end of each is as long as a label looks ahead, the pale start of validation and test as the embargo.
    """
    with canvas("timeline", title="Training, validation and test in time", height=1.25) as drawn:
        (axes,) = drawn.axes()
        for (split, role), (start, end) in zip(SPLIT_ROLES.items(), pairwise(boundaries), strict=True):
            opens = start if split == "train" else min(end, start + embargo)
            kept = max(opens, end - horizon)
            parts = ((start, opens, 0.3, ""), (opens, kept, 0.85, SPLIT_NAMES[split]), (kept, end, 0.3, ""))
            for first, last, alpha, label in (part for part in parts if part[1] > part[0]):
                width = (last - first) / timedelta(days=1)
                place, name = day_number(first), label or None
                axes.barh(0, width, left=place, height=0.8, color=colour(role), alpha=alpha, label=name)
        axes.set(ylim=(-0.45, 0.45), xlim=(day_number(boundaries[0]), day_number(boundaries[-1])))
        dates_below(axes)
        axes.set_yticks([])
        clean(axes, grid="none")
        drawn.figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return drawn.svg


def funnel_chart(steps: Sequence[tuple[str, int]], /) -> str:
    """Draw how many sessions reach each step, in the order given; the first is all of them."""
    total = max(steps[0][1], 1)
    with canvas("funnel", title="Sessions by how far they get", height=0.3 + 0.27 * len(steps)) as drawn:
        (axes,) = drawn.axes()
        for place, (_, sessions) in enumerate(reversed(steps)):
            axes.barh(place, sessions, height=0.7, color=colour("first"), alpha=0.85)
            label_bar(axes, sessions, place, f"{sessions:,} ({percent(sessions / total)})")
        axes.set_yticks(range(len(steps)), [FUNNEL_NAMES[step] for step, _ in reversed(steps)])
        axes.set(xlim=(0, 1.6 * total), xticks=[])
        bare(axes)
    return drawn.svg


def prevalence_chart(weeks: pl.DataFrame, /, *, words: Wording) -> str:
    """Draw the share of positives of every week with its 95 % interval."""
    with canvas("prevalence", title=f"Share of rows that {words.they}, by week", height=2.2) as drawn:
        (axes,) = drawn.axes()
        for split, role in SPLIT_ROLES.items():
            part = weeks.filter(split=split)
            middle = [day_number(week + timedelta(days=3)) for week in part["week"]]
            below, above = part["prevalence"] - part["low"], part["high"] - part["prevalence"]
            bars = np.maximum(np.vstack([below, above]), 0.0)
            axes.errorbar(
                middle, part["prevalence"], yerr=bars, color=colour(role), marker="o", markersize=4,
                linestyle="none", elinewidth=1.0, label=SPLIT_NAMES[split],
            )  # fmt: skip
        axes.set_ylim(bottom=0)
        mondays = [day_number(week) for week in weeks["week"]]
        axes.set_xlim(min(mondays), max(mondays) + 7)
        axes.set_ylabel(f"share that {words.it}")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.3g} %"))
        dates_below(axes)
        clean(axes, grid="y")
        drawn.figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return drawn.svg


def importance_chart(importance: pl.DataFrame, /) -> str:
    """Draw the features of largest mean absolute SHAP value, by that in one chart and by gain in the next."""
    shown = importance.head(_BARS).reverse()
    return _shares(shown, "shap_share", "Share of SHAP values", "first") + _shares(
        shown, "gain_share", "Share of gain", "third"
    )


def swarm_chart(swarm: pl.DataFrame, /, *, words: Wording) -> str:
    """Draw the SHAP value of every feature and row as a dot: right raises the score; colour is the feature's value."""
    features = swarm["feature"].unique(maintain_order=True).to_list()
    with canvas("swarm", title="SHAP values of single rows by feature", height=0.75 + 0.3 * len(features)) as drawn:
        (axes,) = drawn.axes()
        axes.axvline(0.0, color=colour("muted"), linewidth=0.8)
        values = swarm["shap"].to_numpy()
        width = float(np.ptp(values)) / 90 or 1.0 if len(values) else 1.0
        for place, feature in enumerate(reversed(features)):
            part = swarm.filter(feature=feature)
            shap, levels = part["shap"].to_numpy(), part["level"].to_numpy()
            heights = place + _spread(shap, width)
            steps = np.where(np.isnan(levels), -1, np.minimum(np.nan_to_num(levels) * LEVELS, LEVELS - 1)).astype(int)
            for step in range(-1, LEVELS):
                dots = steps == step
                role = "fourth" if step < 0 else f"level-{step}"
                axes.add_artist(_dots(shap[dots], heights[dots], colour(role)))
        axes.set_yticks(range(len(features)), [shortened(name) for name in reversed(features)])
        axes.set(ylim=(-0.6, len(features) - 0.4), xlabel=f"effect on the log-odds of a {words.one}")
        if len(values):
            axes.set_xlim(float(values.min()) - 2 * width, float(values.max()) + 2 * width)
        clean(axes, grid="x")
        axes.tick_params(axis="y", length=0)
    return drawn.svg


def _shares(shown: pl.DataFrame, column: str, title: str, role: str) -> str:
    with canvas(column.replace("_", "-"), title=title, height=0.6 + 0.22 * shown.height) as drawn:
        (axes,) = drawn.axes()
        axes.barh(range(shown.height), shown[column], height=0.66, color=colour(role))
        axes.set_yticks(range(shown.height), [shortened(name) for name in shown["feature"]])
        axes.set_xlabel(title.lower().replace("shap", "SHAP"))
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.3g} %"))
        clean(axes, grid="x")
        axes.tick_params(axis="y", length=0)
    return drawn.svg


def _spread(values: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Return heights that keep dots of like value apart: alternately above and below, farther the more there are."""
    cell = np.round(values / width)
    order = np.argsort(cell, kind="stable")
    _, counts = np.unique(cell, return_counts=True)
    nth = np.empty(len(values))
    nth[order] = np.concatenate([np.arange(count) for count in counts]) if len(counts) else []
    step = 0.09 * min(1.0, 8.0 / max(counts.max(initial=1), 1))
    heights: NDArray[np.float64] = np.ceil(nth / 2) * np.where(nth % 2, 1.0, -1.0) * step
    return heights


def _dots(x: NDArray[np.float64], y: NDArray[np.float64], shade: str) -> PathPatch:
    """Return dots as one path of lines without length and with round ends: a tenth of the text that markers take."""
    points = np.repeat(np.column_stack([x, y]), 2, axis=0)
    path = Path(points, np.tile([Path.MOVETO, Path.LINETO], len(x)))
    path.should_simplify = False
    return PathPatch(path, facecolor="none", edgecolor=shade, linewidth=3.2, capstyle="round", alpha=0.85)
