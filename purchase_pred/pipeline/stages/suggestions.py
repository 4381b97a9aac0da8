"""Settings that a log can support, found by trying them on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from math import log
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from purchase_pred.durations import duration_name, microseconds, parse_duration
from purchase_pred.evaluation.red_flags import FEW_POSITIVES
from purchase_pred.names import SPLITS
from purchase_pred.prediction_rows import SESSION_START, labelled_points, prediction_rows
from purchase_pred.schema import LABEL, LABEL_END, PREDICTION_TIME, SPLIT, TIMESTAMP, USER_ID
from purchase_pred.splits import PURGED, configured_boundaries, is_within
from purchase_pred.wording import WORDINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from purchase_pred.settings import Settings

HORIZONS: Final = tuple(map(parse_duration, (
    "30d", "14d", "7d", "3d", "1d", "12h", "6h", "3h", "1h", "30m", "15m", "5m", "2m", "1m",
)))  # fmt: skip
"""Horizons that one would choose, the longest first."""

_TARGETS: Final = (("in_session", "session"), ("calendar", "user"), ("session_close", "user"))
"""Prediction points and levels to fall back on."""
_PLENTY: Final = FEW_POSITIVES
"""Rows that buy, in validation and in test, that are as good as more."""
_FOR_ANOTHER_QUESTION: Final = 2.0
"""How many times as many rows that buy it takes to ask another question: to change the level or the points."""
_PROPORTION: Final = (0.50, 0.25, 0.25)
"""How rows that buy are best spread over the splits."""
_MOST_COUNTED: Final = 12
"""Settings that are counted on the whole log before the search is given up."""
_MOST_EVENTS: Final = 100_000
_MOST_NEGATIVES: Final = 2_000
_CUTS: Final = 30
_TOO_SHORT: Final = "the log is too short for any target: bring in a longer one"
_NOTHING: Final = (
    "none of the targets, horizons and shares that were tried leaves each split rows of both kinds: "
    "bring in a longer log"
)


@dataclass(frozen=True)
class _Points:
    """Prediction points of one target: those that buy, and some of the others; times in microseconds."""

    begins: NDArray[np.int64]
    """What decides about the split: the start of the session, or T."""
    at: NDArray[np.int64]
    ends: NDArray[np.int64]
    buys: NDArray[np.bool_]


@dataclass(frozen=True)
class _Cut:
    """Changes of the settings of the splits, and the boundaries then, in microseconds."""

    changes: dict[str, Any]
    boundaries: tuple[int, ...]


@dataclass(frozen=True)
class _Candidate:
    """Changes of the settings, and what they are worth."""

    changes: dict[str, Any]
    worth: float


def suggest(sessionized: pl.LazyFrame, settings: Settings, /) -> str:
    """Return settings under which each split of this log has rows that buy and rows that do not, as advice.

    Of the target as it is asked and others, of horizons, and of shares of the splits, of the time or of the events,
    those are advised that leave most rows that buy in the split with the fewest, those of train in proportion; another
    level or other prediction points only for twice as many. What is enough to judge a model by is as good as more, and
    of equals the first goes before: the nearest horizon, the shares as they are. They are looked for on a sample of the
    users of a large log, and counted on all of it before they are told.
    """
    sample, parts = _sample(sessionized)
    span = sample.select(pl.col(TIMESTAMP).max() - pl.col(TIMESTAMP).min()).item()
    if not span or not _horizons(settings.target.horizon, span):
        return _TOO_SHORT
    plenty = _PLENTY / parts
    found = sorted(_candidates(sample, settings, span, plenty), key=lambda one: -one.worth)
    for candidate in found[:_MOST_COUNTED]:
        counts = _counts(sessionized, _with(settings, candidate.changes))
        if _is_sound(counts):
            told = " ".join(f"--set {key}={_as_text(value)}" for key, value in candidate.changes.items())
            rows = ", ".join(f"{buys:,} of {rows:,} rows of {split}" for split, (rows, buys) in counts.items())
            return f"try {told} (then {rows} {WORDINGS[settings.target.kind].they})"
    return _NOTHING


def _candidates(sample: pl.DataFrame, settings: Settings, span: timedelta, plenty: float) -> Iterator[_Candidate]:
    """Yield every change of the settings that leaves each split of the sample rows of both kinds, the nearest first.

    It ends with the first target that leaves plenty. One is passed over whose rows that buy, spread at best, are worth
    no more than what another leaves.
    """
    best, as_asked = 0.0, _shares_as_asked(sample, settings)
    for changes, chosen in _targets(settings, span):
        points = _points(sample, chosen)
        kept = not {"target.level", "anchors.kind"} & set(changes)
        weight = _FOR_ANOTHER_QUESTION if kept else 1.0
        if points.buys.sum() * _PROPORTION[-1] * weight <= best:
            continue
        for cut in (*as_asked, *_best_shares(points, settings, sample)):
            fewest = _fewest(points, cut.boundaries, _wait(settings))
            if fewest and (wanted := {**changes, **cut.changes}):
                worth = min(fewest, plenty) * weight
                best = max(best, worth)
                yield _Candidate(wanted, worth)
        if best >= plenty * weight:
            return


def _sample(sessionized: pl.LazyFrame) -> tuple[pl.DataFrame, int]:
    """Return the whole log, or all events of one in so many of its users."""
    events = sessionized.select(pl.len()).collect().item()
    parts = max(1, -(-events // _MOST_EVENTS))
    kept = sessionized if parts == 1 else sessionized.filter(pl.col(USER_ID).hash(seed=1) % parts == 0)
    return kept.collect(), parts


def _targets(settings: Settings, span: timedelta) -> Iterator[tuple[dict[str, Any], Settings]]:
    """Yield what would change, and the settings then, of each target and horizon that the log has room for."""
    asked = (settings.anchors.kind, settings.target.level)
    others = [target for target in _TARGETS if settings.target.kind == "purchase" or "session" not in target]
    for kind, level in (asked, *(target for target in others if target != asked)):
        for horizon in _horizons(settings.target.horizon, span):
            changes: dict[str, Any] = {}
            if horizon != settings.target.horizon:
                changes["target.horizon"] = horizon
                if settings.target.horizons:
                    changes["target.horizons"] = []
            if level != settings.target.level:
                changes["target.level"] = level
            if kind != settings.anchors.kind:
                changes["anchors.kind"] = kind
            if kind == "calendar" and settings.anchors.every > span / 10:
                changes["anchors.every"] = next((one for one in HORIZONS if one <= span / 20), HORIZONS[-1])
            yield changes, _with(settings, changes)


def _horizons(asked: timedelta, span: timedelta) -> list[timedelta]:
    fitting = [one for one in dict.fromkeys((asked, *HORIZONS)) if one <= span / 3]
    return sorted(fitting, key=lambda one: abs(log(one / asked)))


def _as_text(value: Any) -> Any:
    return duration_name(value) if isinstance(value, timedelta) else value


def _with(settings: Settings, changes: dict[str, Any]) -> Settings:
    tree = settings.model_dump(mode="json")
    for key, value in changes.items():
        section, name = key.split(".")
        tree[section][name] = value
    return type(settings).model_validate(tree)


def _points(sample: pl.DataFrame, settings: Settings) -> _Points:
    found = labelled_points(sample.lazy(), settings=settings).drop_nulls([PREDICTION_TIME, LABEL]).collect()
    buys = found[LABEL].to_numpy() == 1
    others = np.flatnonzero(~buys)
    kept = np.union1d(np.flatnonzero(buys), others[:: max(1, len(others) // _MOST_NEGATIVES)])
    begins, at, ends = (
        found[name].to_physical().to_numpy()[kept] for name in (SESSION_START, PREDICTION_TIME, LABEL_END)
    )
    return _Points(begins, at, ends, buys[kept])


def _shares_as_asked(sample: pl.DataFrame, settings: Settings) -> list[_Cut]:
    """Return the boundaries of the shares as they are asked for: as they stand, exact, and of events or of the time."""
    asked = settings.split
    exact: dict[str, Any] = {} if asked.align == "none" else {"align": "none"}
    other = {"by": "events" if asked.by == "time" else "time"}
    changes = [{}, exact, other, {**exact, **other}] if exact else [{}, other]
    return [_cut(sample, settings, one) for one in changes]


def _cut(sample: pl.DataFrame, settings: Settings, changes: dict[str, Any]) -> _Cut:
    """Return the boundaries of the splits, in microseconds, when those of their settings are changed."""
    chosen = settings.split.model_copy(update=changes)
    boundaries = configured_boundaries(sample.lazy(), chosen).select(pl.all().to_physical()).collect().row(0)
    return _Cut({f"split.{name}": value for name, value in changes.items()}, boundaries)


def _best_shares(points: _Points, settings: Settings, sample: pl.DataFrame) -> list[_Cut]:
    """Return the cut that leaves the fewest purchases of any split at the most, in proportion to 50, 25 and 25 %."""
    asked, times = settings.split, np.sort(sample[TIMESTAMP].to_physical().to_numpy())
    clock = times if asked.by == "events" else times[[0, -1]]  # shares of a span are places between its two ends
    places = np.arange(len(clock)) / (len(clock) - 1)
    moments = np.quantile(points.at[points.buys], np.linspace(0, 1, _CUTS))
    steps = np.unique(np.interp(moments, clock, places).round(3))
    steps = np.unique(np.concatenate([steps - 0.001, steps, steps + 0.001]).round(3))
    steps = steps[(steps > 0) & (steps < 1)]
    placed = np.interp(steps, places, clock).astype(np.int64).tolist()
    pairs = list(combinations(range(len(steps)), 2))
    if not pairs:
        return []
    scores = [
        _fewest(points, (int(times[0]), placed[one], placed[other], int(times[-1])), _wait(settings))
        for one, other in pairs
    ]
    first, second = steps[list(pairs[int(np.argmax(scores))])].tolist()
    wanted = {"align": "none", "train": first, "val": round(second - first, 3)}
    return [_cut(sample, settings, {name: value for name, value in wanted.items() if value != getattr(asked, name)})]


def _wait(settings: Settings) -> int:
    return microseconds(settings.split.embargo)


def _fewest(points: _Points, boundaries: tuple[int, ...], wait: int) -> float:
    """Return the fewest rows that buy of any split, those of train in proportion to 50, 25 and 25 %.

    0 where a split has none that does not buy.
    """
    found = []
    for place, weight in enumerate(_PROPORTION):
        opens, closes = boundaries[place], boundaries[place + 1]
        last = place == len(boundaries) - 2
        inside = (points.begins >= opens) & ((points.begins < closes) | last)
        inside &= is_within(points.at, points.ends, opens=opens + (wait if place else 0), closes=closes)
        buys = int((inside & points.buys).sum())
        found.append(buys / weight * _PROPORTION[-1] if (inside & ~points.buys).any() else 0.0)
    return min(found)


def _counts(sessionized: pl.LazyFrame, settings: Settings) -> dict[str, tuple[int, int]]:
    """Return the rows of each split, and how many of them buy."""
    kept = prediction_rows(sessionized, settings=settings).filter(~pl.col(PURGED))
    counted = kept.group_by(SPLIT).agg(pl.len(), pl.col(LABEL).sum().cast(pl.Int64).alias("buys")).collect()
    found = {split: (rows, buys) for split, rows, buys in counted.iter_rows()}
    return {split: found.get(split, (0, 0)) for split in SPLITS}


def _is_sound(counts: dict[str, tuple[int, int]]) -> bool:
    return all(0 < buys < rows for rows, buys in counts.values())
