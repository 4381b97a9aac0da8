"""Charts of how well a model ranks, how sure it is, and what acting on it brings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from purchase_pred.evaluation.comparison import CEILING
from purchase_pred.report.plots import LIVE, canvas, clean, colour
from purchase_pred.report.words import heading, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from purchase_pred.wording import Wording

_ROLES: Final = ("first", "second", "third", "fourth", "muted")
_CHANCE: Final[Any] = {"color": colour("muted"), "linewidth": 0.9, "linestyle": (0, (4, 3))}
_LABELS: Final = 8
"""Labels of shares that find room along an axis."""
_SHARES: Final = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


@dataclass(frozen=True)
class LiveChart:
    """A chart with a line that a script moves: by `start + slope * log10(value)` to the right of where it was drawn."""

    svg: str
    start: float
    slope: float


def ranking_chart(curves: Mapping[str, pl.DataFrame], /, *, prevalence: float, words: Wording) -> str:
    """Draw precision over recall, and in a second chart the ROC curve, of each ranking; `CEILING` is dotted."""
    with canvas("precision", title="Precision over recall, on test", height=3.4) as first:
        (axes,) = first.axes()
        for curve, style in _styled(curves):
            axes.plot(curve["recall"], curve["precision"], drawstyle="steps-pre", **style)
        axes.axhline(prevalence, label="Chance", **_CHANCE)
        _unit_square(axes, x=f"recall: {words.many} reached", y="precision: hits among those acted on")
        _key_below(first.figure, axes)
    with canvas("roc", title="ROC curve, on test", height=3.4) as second:
        (axes,) = second.axes()
        for curve, style in _styled(curves):
            axes.plot(*_from_origin(curve, "false_positive_rate", "recall"), **style)
        axes.plot([0, 1], [0, 1], label="Chance", **_CHANCE)
        _unit_square(axes, x=f"false alarms among those who do not {words.they}", y=f"recall: {words.many} reached")
        _key_below(second.figure, axes)
    return first.svg + second.svg


def gain_chart(curve: pl.DataFrame, /, *, words: Wording) -> str:
    """Draw cumulative gain, and in a second chart lift, over the share of rows acted on."""
    with canvas("gain", title="Cumulative gain over the share acted on, on test", height=2.7) as first:
        (axes,) = first.axes()
        axes.plot(*_from_origin(curve, "share", "recall"), color=colour("first"))
        axes.plot([0, 1], [0, 1], **_CHANCE)
        _unit_square(axes, x="acted on, best scores first", y=f"{words.many} reached")
    with canvas("lift", title="Lift over the share acted on, on test", height=2.7) as second:
        (axes,) = second.axes()
        axes.plot(curve["share"], curve["lift"], color=colour("first"))
        axes.axhline(1.0, **_CHANCE)
        axes.set(xscale="log", xlabel="acted on, best scores first (log scale)", ylabel="times better than chance")
        axes.set_ylim(bottom=0)
        _percent_ticks(
            axes.xaxis, [share for share in (0.0001, 0.001, 0.01, 0.1, 1.0) if share >= curve["share"][0] / 2]
        )
        clean(axes)
    return first.svg + second.svg


def money_chart(curves: Mapping[str, pl.DataFrame], /) -> str:
    """Draw the share of money captured over the share acted on: by expected spend, by probability, and at best."""
    styles = (("expected", "first", "By expected spend"), ("probability", "second", "By probability alone"),
              ("best", "muted", "Perfect order"))  # fmt: skip
    with canvas("money", title="Share of money over the share acted on, on test", height=3.1) as drawn:
        (axes,) = drawn.axes()
        for name, role, label in styles:
            axes.plot(*_from_origin(curves[name], "share", "captured"), color=colour(role), label=label)
        axes.plot([0, 1], [0, 1], label="Chance", **_CHANCE)
        _unit_square(axes, x="acted on, best first", y="money captured")
        _key_below(drawn.figure, axes)
    return drawn.svg


def reliability_chart(before: pl.DataFrame, after: pl.DataFrame, /, *, words: Wording) -> str:
    """Draw the observed over the predicted share of positives, before and after calibration."""
    with canvas("reliability", title=f"Observed over predicted share of {words.many}, on test", height=3.1) as drawn:
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
        shares = _apart((0.0, *_SHARES[2:], 1.0), math.sqrt, 0.0, math.sqrt(top))
        for name in ("x", "y"):
            getattr(axes, f"set_{name}scale")("function", functions=(_root, np.square))
            getattr(axes, f"set_{name}lim")(0, top)
            _percent_ticks(getattr(axes, f"{name}axis"), shares)
        axes.set(
            xlabel="predicted probability (mean of each group; square-root scale)", ylabel=f"share that {words.did}"
        )
        clean(axes)
        axes.legend(loc="upper left")
    return drawn.svg


def histogram_chart(histogram: pl.DataFrame, /, *, threshold: float | None, words: Wording) -> str:
    """Draw how the scores of positive rows and of the others are spread, on a scale of log-odds."""
    with canvas("scores", title=f"Scores of those who {words.did} and of the others, on test", height=2.5) as drawn:
        (axes,) = drawn.axes()
        for label, role, name in ((0, "second", f"Did not {words.they}"), (1, "first", words.did.capitalize())):
            rows = histogram.filter(label=label)
            edges = [*rows["log_odds_from"], *rows["log_odds_to"].tail(1)]
            axes.stairs(rows["rows"], edges, color=colour(role), label=name, fill=True, alpha=0.35)
            axes.stairs(rows["rows"], edges, color=colour(role), linewidth=1.2)
        axes.set(yscale="symlog", ylabel="predictions (log scale)", xlabel="predicted probability (log-odds scale)")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda rows, _: f"{rows:,.0f}"))
        axes.yaxis.set_minor_locator(NullLocator())
        low, high = histogram["log_odds_from"].min(), histogram["log_odds_to"].max()
        inside = _apart(_SHARES, _log_odds, float(low), float(high))  # type: ignore[arg-type]
        axes.xaxis.set_major_locator(FixedLocator([_log_odds(share) for share in inside]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda _, index: _short_percent(inside[index or 0])))
        if threshold is not None and 0.0 < threshold < 1.0:
            axes.axvline(_log_odds(threshold), color=colour("ink"), linewidth=1.0, label="Chosen threshold")
        clean(axes, grid="y")
        axes.legend(loc="upper right")
    return drawn.svg


def earliness_chart(earliness: pl.DataFrame, /, *, words: Wording) -> str:
    """Draw average precision by the number of the session's events seen, and how many of each group are positive."""
    with canvas("earliness", title="PR-AUC by number of events seen", height=2.5) as drawn:
        (axes,) = drawn.axes()
        places = np.arange(earliness.height)
        axes.plot(places, earliness["average_precision"], color=colour("first"), marker="o", label="PR-AUC")
        axes.plot(places, earliness["prevalence"], color=colour("muted"), linestyle=(0, (4, 3)), label="Chance")
        groups = earliness.select("events_from", "events_to", "positives").iter_rows()
        axes.set_xticks(places, [f"{_span(first, last)}\n{reached:,} {words.did}" for first, last, reached in groups])
        axes.set(xlabel="events of the session seen so far", ylabel="PR-AUC")
        axes.set_ylim(0, None)
        clean(axes, grid="y")
        drawn.figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return drawn.svg


def decision_chart(decisions: pl.DataFrame, /, *, positives: int, days: int, per: str, words: Wording) -> LiveChart:
    """Draw precision and recall over the rows acted on per day, with a line at the chosen decision.

    `per` names the unit: " per day", or nothing where all rows are of one date.
    """
    acting = decisions.filter(decisions["acted"] > 0)
    per_day, found = acting["acted"] / days, acting["true_positives"]
    with canvas("decision", title=f"Precision and recall over the rows acted on{per}, on test", height=2.3) as drawn:
        (axes,) = drawn.axes()
        axes.plot(
            per_day, found / acting["acted"], color=colour("second"), label="Precision: hits among those acted on"
        )
        axes.plot(per_day, found / max(positives, 1), color=colour("first"), label=f"Recall: {words.many} reached")
        chosen = acting.filter("chosen")
        place = float(chosen["acted"][0] / days if chosen.height else per_day[0])
        axes.axvline(place, color=colour("ink"), linewidth=1.4, gid=f"{LIVE}-line")
        axes.set(xscale="log", xlabel=f"acted on{per} (log scale)")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda rows, _: f"{rows:,.0f}" if rows >= 1 else f"{rows:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_ylim(0, 1.02)
        _percent_ticks(axes.yaxis, [0.0, 0.25, 0.5, 0.75, 1.0])
        clean(axes)
        drawn.figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left")
    one, ten = (float(axes.transData.transform((rows, 0.0))[0]) for rows in (1.0, 10.0))
    slope = ten - one
    return LiveChart(drawn.svg, -slope * float(np.log10(place)), slope)


def _styled(curves: Mapping[str, pl.DataFrame]) -> Iterator[tuple[pl.DataFrame, dict[str, Any]]]:
    """Return each curve with how it is drawn."""
    for place, (name, curve) in enumerate(curves.items()):
        style: dict[str, Any] = {"color": colour("ink" if name == CEILING else _ROLES[place])}
        style |= {"label": shortened(heading(name)), "zorder": 6 - place}
        style |= {} if place == 0 else {"linewidth": 1.1}
        style |= {"linestyle": (0, (1, 1.2))} if name == CEILING else {}
        yield curve, style


def _key_below(figure: Figure, axes: Axes) -> None:
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)


def _apart(shares: Sequence[float], scale: Callable[[float], float], low: float, high: float) -> list[float]:
    """Return the shares whose places on a scale lie within its ends and leave room for their labels."""
    kept: list[float] = []
    for share in shares:
        if low <= scale(share) <= high and (not kept or scale(share) - scale(kept[-1]) >= (high - low) / _LABELS):
            kept.append(share)
    return kept


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
