"""Charts of how well a model ranks, how sure it is, and what acting on it brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from purchase_pred.evaluation.comparison import CEILING
from purchase_pred.report.plots import LIVE, canvas, clean, colour
from purchase_pred.report.words import heading

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_ROLES: Final = ("first", "second", "third", "fourth", "muted")
_SHARES: Final = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


@dataclass(frozen=True)
class LiveChart:
    """A chart with a line that a script moves: by `start + slope * log10(value)` to the right of where it was drawn."""

    svg: str
    start: float
    slope: float


def ranking_chart(curves: Mapping[str, pl.DataFrame], /, *, prevalence: float) -> str:
    """Draw precision over recall, and the ROC curve, of each ranking; that of `CEILING` is dotted."""
    with canvas("ranking", title="Precision over recall, and ROC curve, on test", height=3.0) as drawn:
        precision, roc = drawn.axes(1, 2)
        for place, (name, curve) in enumerate(curves.items()):
            role = "ink" if name == CEILING else _ROLES[place]
            style: dict[str, Any] = {"color": colour(role), "label": heading(name), "zorder": 6 - place}
            style |= {} if place == 0 else {"linewidth": 1.1}
            style |= {"linestyle": (0, (1, 1.2))} if name == CEILING else {}
            precision.plot(curve["recall"], curve["precision"], drawstyle="steps-pre", **style)
            roc.plot(*_from_origin(curve, "false_positive_rate", "recall"), **style)
        precision.axhline(prevalence, color=colour("muted"), linewidth=0.9, linestyle=(0, (4, 3)), label="Chance")
        roc.plot([0, 1], [0, 1], color=colour("muted"), linewidth=0.9, linestyle=(0, (4, 3)))
        _unit_square(precision, x="recall: purchases reached", y="precision: hits among those acted on")
        _unit_square(roc, x="false alarms among those who do not buy", y="recall: purchases reached")
        drawn.figure.legend(*precision.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return drawn.svg


def gain_chart(curve: pl.DataFrame, /) -> str:
    """Draw cumulative gain and lift over the share of rows acted on."""
    with canvas("gain", title="Cumulative gain and lift over the share acted on, on test", height=2.7) as drawn:
        gain, lift = drawn.axes(1, 2)
        gain.plot(*_from_origin(curve, "share", "recall"), color=colour("first"))
        gain.plot([0, 1], [0, 1], color=colour("muted"), linewidth=0.9, linestyle=(0, (4, 3)))
        _unit_square(gain, x="acted on, best scores first", y="purchases reached")
        lift.plot(curve["share"], curve["lift"], color=colour("first"))
        lift.axhline(1.0, color=colour("muted"), linewidth=0.9, linestyle=(0, (4, 3)))
        lift.set(xscale="log", xlabel="acted on, best scores first (log scale)", ylabel="times better than chance")
        lift.set_ylim(bottom=0)
        _percent_ticks(
            lift.xaxis, [share for share in (0.0001, 0.001, 0.01, 0.1, 1.0) if share >= curve["share"][0] / 2]
        )
        clean(lift)
    return drawn.svg


def reliability_chart(before: pl.DataFrame, after: pl.DataFrame, /) -> str:
    """Draw the observed over the predicted share of positives, before and after calibration."""
    with canvas("reliability", title="Observed over predicted share of purchases, on test", height=3.1) as drawn:
        (axes,) = drawn.axes()
        top = max(
            float(table[name].to_numpy().max(initial=0.0))
            for table in (before, after)
            for name in ("predicted", "observed")
        )
        top = min(1.0, 1.15 * max(top, 1e-4))
        axes.plot([0, top], [0, top], color=colour("muted"), linewidth=0.9, linestyle=(0, (4, 3)), label="Perfect")
        for table, role, marker, label in (
            (before, "second", "o", "Before calibration"),
            (after, "first", "D", "After calibration"),
        ):
            axes.plot(
                table["predicted"], table["observed"], color=colour(role), marker=marker, markersize=3.6,
                linewidth=1.0, label=label, clip_on=False,
            )  # fmt: skip
        for name in ("x", "y"):
            getattr(axes, f"set_{name}scale")("function", functions=(_root, np.square))
            getattr(axes, f"set_{name}lim")(0, top)
            _percent_ticks(getattr(axes, f"{name}axis"), [share for share in (0.0, *_SHARES[2:], 1.0) if share <= top])
        axes.set(xlabel="predicted probability (mean of each group; square-root scale)", ylabel="share that bought")
        clean(axes)
        axes.legend(loc="upper left")
    return drawn.svg


def histogram_chart(histogram: pl.DataFrame, /, *, threshold: float | None) -> str:
    """Draw how the scores of buyers and of the others are spread, on a scale of log-odds."""
    with canvas("scores", title="Scores of those who bought and of the others, on test", height=2.5) as drawn:
        (axes,) = drawn.axes()
        for label, role, name in ((0, "second", "Did not buy"), (1, "first", "Bought")):
            rows = histogram.filter(label=label)
            edges = [*rows["log_odds_from"], *rows["log_odds_to"].tail(1)]
            axes.stairs(rows["rows"], edges, color=colour(role), label=name, fill=True, alpha=0.35)
            axes.stairs(rows["rows"], edges, color=colour(role), linewidth=1.2)
        axes.set(yscale="symlog", ylabel="predictions (log scale)", xlabel="predicted probability (log-odds scale)")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda rows, _: f"{rows:,.0f}"))
        axes.yaxis.set_minor_locator(NullLocator())
        low, high = histogram["log_odds_from"].min(), histogram["log_odds_to"].max()
        inside = [share for share in _SHARES if low <= _log_odds(share) <= high]  # type: ignore[operator]
        axes.xaxis.set_major_locator(FixedLocator([_log_odds(share) for share in inside]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda _, index: _short_percent(inside[index or 0])))
        if threshold is not None and 0.0 < threshold < 1.0:
            axes.axvline(_log_odds(threshold), color=colour("ink"), linewidth=1.0, label="Chosen threshold")
        clean(axes, grid="y")
        axes.legend(loc="upper right")
    return drawn.svg


def earliness_chart(earliness: pl.DataFrame, /) -> str:
    """Draw average precision by the number of the session's events seen, and how many bought of each group."""
    with canvas("earliness", title="PR-AUC by number of events seen", height=2.5) as drawn:
        (axes,) = drawn.axes()
        places = np.arange(earliness.height)
        axes.plot(places, earliness["average_precision"], color=colour("first"), marker="o", label="PR-AUC")
        axes.plot(places, earliness["prevalence"], color=colour("muted"), linestyle=(0, (4, 3)), label="Chance")
        groups = earliness.select("events_from", "events_to", "positives").iter_rows()
        axes.set_xticks(places, [f"{_span(first, last)}\n{bought:,} bought" for first, last, bought in groups])
        axes.set(xlabel="events of the session seen so far", ylabel="PR-AUC")
        axes.set_ylim(0, None)
        clean(axes, grid="y")
        drawn.figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return drawn.svg


def decision_chart(decisions: pl.DataFrame, /, *, positives: int, days: int) -> LiveChart:
    """Draw precision and recall over the rows acted on per day, with a line at the chosen decision."""
    acting = decisions.filter(decisions["acted"] > 0)
    per_day, found = acting["acted"] / days, acting["true_positives"]
    with canvas("decision", title="Precision and recall over the rows acted on per day, on test", height=2.3) as drawn:
        (axes,) = drawn.axes()
        axes.plot(
            per_day, found / acting["acted"], color=colour("second"), label="Precision: hits among those acted on"
        )
        axes.plot(per_day, found / max(positives, 1), color=colour("first"), label="Recall: purchases reached")
        chosen = acting.filter("chosen")
        place = float(chosen["acted"][0] / days if chosen.height else per_day[0])
        axes.axvline(place, color=colour("ink"), linewidth=1.4, gid=f"{LIVE}-line")
        axes.set(xscale="log", xlabel="acted on per day (log scale)")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda rows, _: f"{rows:,.0f}" if rows >= 1 else f"{rows:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_ylim(0, 1.02)
        _percent_ticks(axes.yaxis, [0.0, 0.25, 0.5, 0.75, 1.0])
        clean(axes)
        drawn.figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    one, ten = (float(axes.transData.transform((rows, 0.0))[0]) for rows in (1.0, 10.0))
    slope = ten - one
    return LiveChart(drawn.svg, -slope * float(np.log10(place)), slope)


def _from_origin(curve: pl.DataFrame, x: str, y: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.append(0.0, curve[x].to_numpy()), np.append(0.0, curve[y].to_numpy())


def _unit_square(axes: Axes, *, x: str, y: str) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=x, ylabel=y)
    for axis in (axes.xaxis, axes.yaxis):
        _percent_ticks(axis, [0.0, 0.25, 0.5, 0.75, 1.0])
    clean(axes)


def _percent_ticks(axis: Any, shares: list[float]) -> None:
    axis.set_major_locator(FixedLocator(shares))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda share, _: _short_percent(share)))


def _short_percent(share: float) -> str:
    return f"{100 * share:.10g} %"


def _root(share: NDArray[np.float64]) -> NDArray[np.float64]:
    rooted: NDArray[np.float64] = np.sqrt(np.maximum(share, 0.0))
    return rooted


def _log_odds(share: float) -> float:
    return float(np.log(share / (1.0 - share)))


def _span(start: int, end: int | None) -> str:
    if end is None:
        return f"{start} or more"
    return f"{start}" if start == end else f"{start} to {end}"
