"""Feature rows computed again by plain loops over the log, from docs/time_contract.md alone and without the engine."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from purchase_pred.durations import duration_name, parse_duration
from purchase_pred.names import SPLITS
from purchase_pred.pipeline.engine.manifest import read_manifest
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE, features_file
from purchase_pred.pipeline.tasks.verify_order import made_of_other
from purchase_pred.schema import (
    EVENT_ID,
    EVENT_TYPE,
    EVENT_TYPES,
    ITEM_ID,
    LABEL,
    LABEL_END,
    LABEL_TIME,
    LABEL_VALUE,
    PREDICTION_TIME,
    PRICE,
    PURCHASE,
    SESSION_INDEX,
    TIMESTAMP,
    USER_ID,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.pipeline.tasks.verify_order import Fault

Row = dict[str, Any]
_Recipe = Callable[[Row, list[Row]], Any]
"""Makes a value of a row from the events of its user."""

_HOUR: Final = timedelta(hours=1)
_CLOSE: Final = 1e-6
_KEYS: Final = (USER_ID, SESSION_INDEX, ITEM_ID, PREDICTION_TIME)
_ROW: Final = "__row"
_SHOWN: Final = 5
_LABEL_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "user_item": (USER_ID, ITEM_ID),
    "user": (USER_ID,),
    "session": (USER_ID, SESSION_INDEX),
}


@dataclass(frozen=True)
class Recomputed:
    """What was computed again, and what came out otherwise."""

    rows: int
    values: int
    faults: tuple[Fault, ...]


def recompute_rows(
    workspace: Workspace, sound: Collection[str], /, *, rows: int, seed: int, notes: list[str]
) -> Recomputed:
    """Compute windows, ages and labels of some rows of each feature file again, and compare.

    Parameters
    ----------
    workspace
        Holds the feature files and the sessionized log that they were made of.
    sound
        The files that are as their manifests say; others are left out.
    rows
        How many rows of each file, drawn at random, half of them positive where there are as many.
    seed
        Another seed draws others.
    notes
        Takes what could not be compared.
    """
    checked, values = 0, 0
    faults: list[Fault] = []
    for name in (features_file(split) for split in SPLITS):
        if not {name, SESSIONIZED_FILE} <= set(sound):
            continue
        other = made_of_other(workspace, name, SESSIONIZED_FILE)
        if other:
            notes.append(other)
            continue
        drawn, columns = _drawn_rows(workspace, name, rows, seed)
        found, compared = _compare(workspace, drawn, columns)
        checked, values = checked + len(drawn), values + compared
        faults += [(name, fault) for fault in found]
    return Recomputed(checked, values, tuple(faults))


def _drawn_rows(workspace: Workspace, name: str, rows: int, seed: int) -> tuple[list[Row], dict[str, _Recipe]]:
    """Return rows of a feature file, and how each of their columns that a loop can make is made."""
    path = workspace.path(name)
    manifest = read_manifest(path)
    frame = pl.scan_parquet(path)
    known = frame.collect_schema().names()
    recipes = {} if manifest is None else _recipes(manifest.settings, ITEM_ID in known)
    recipes = {column: recipe for column, recipe in recipes.items() if column in known}
    numbers = _numbers(frame.select(LABEL).collect()[LABEL].to_numpy(), rows, seed)
    wanted = [column for column in _KEYS if column in known]
    drawn = (frame.select(*wanted, *recipes).with_row_index(_ROW).filter(pl.col(_ROW).is_in(numbers))).collect()
    return drawn.to_dicts(), recipes


def _numbers(labels: NDArray[np.uint8], rows: int, seed: int) -> list[int]:
    """Draw numbers of rows, half of them of positive ones, which are rare, as far as there are any."""
    rng, positive = np.random.default_rng(seed), np.flatnonzero(labels)
    drawn = rng.choice(positive, size=min(rows // 2, len(positive)), replace=False)
    rest = np.setdiff1d(np.arange(len(labels)), drawn)
    more = rng.choice(rest, size=min(rows - len(drawn), len(rest)), replace=False)
    return sorted([*drawn.tolist(), *more.tolist()])


def _compare(workspace: Workspace, drawn: list[Row], recipes: Mapping[str, _Recipe]) -> tuple[list[str], int]:
    histories = _histories(workspace, {row[USER_ID] for row in drawn})
    faults = []
    for row in drawn:
        history = histories.get(row[USER_ID], [])
        for column, recipe in recipes.items():
            expected = recipe(row, history)
            if not _equal(row[column], expected):
                key = ", ".join(f"{part} {row[part]}" for part in _KEYS if part in row)
                faults.append(f"row {row[_ROW]:,} ({key}): {column} must be {expected}, found {row[column]}")
    more = [f"{len(faults) - _SHOWN:,} values more differ"] if len(faults) > _SHOWN else []
    return [*faults[:_SHOWN], *more], len(drawn) * len(recipes)


def _histories(workspace: Workspace, users: Collection[Any]) -> dict[Any, list[Row]]:
    """Return the events of some users."""
    columns = (EVENT_ID, USER_ID, TIMESTAMP, EVENT_TYPE, ITEM_ID, SESSION_INDEX, PRICE)
    events = (
        pl.scan_parquet(workspace.path(SESSIONIZED_FILE))
        .select(columns)
        .with_columns(pl.col(EVENT_TYPE).cast(pl.String))
    )
    found: dict[Any, list[Row]] = {}
    for event in events.filter(pl.col(USER_ID).is_in(list(users))).collect().iter_rows(named=True):
        found.setdefault(event[USER_ID], []).append(event)
    return found


def _recipes(settings: Mapping[str, Any], with_items: bool) -> dict[str, _Recipe]:  # noqa: FBT001  (a fact of the file)
    """Return how to make the columns that the settings of a feature file give a plain meaning."""
    lag = parse_duration(settings["features.availability_lag"])
    recipes: dict[str, _Recipe] = {}
    for kind in EVENT_TYPES:
        recipes[f"hours_since_last_{kind}"] = _hours_since_last(kind, lag)
        for window in settings["features.windows"]:
            recipes[f"{kind}_count_{duration_name(window)}"] = _count(kind, lag, parse_duration(window))
        if with_items:
            recipes[f"user_item_{kind}_count"] = _count(kind, lag, None, of_item=True)
    horizon = parse_duration(settings["target.horizon"])
    recipes[LABEL_END] = lambda row, _: row[PREDICTION_TIME] + horizon
    if settings.get("target.kind") == "churn":
        recipes[LABEL] = _stays_away(horizon)
    elif settings["target.level"] in _LABEL_KEYS:
        recipes[LABEL] = _label(settings["target.level"], horizon, settings["target.sessions"])
        if settings.get("target.horizons"):
            recipes[LABEL_TIME] = _time(settings["target.level"], horizon, settings["target.sessions"])
        if settings.get("target.value"):
            recipes[LABEL_VALUE] = _amount(settings["target.level"], horizon)
    return recipes


def _count(kind: str, lag: timedelta, window: timedelta | None, *, of_item: bool = False) -> _Recipe:
    def recipe(row: Row, history: list[Row]) -> int:
        end: datetime = row[PREDICTION_TIME] - lag
        found = 0
        for event in history:
            inside = event[TIMESTAMP] < end and (window is None or event[TIMESTAMP] >= end - window)
            if inside and event[EVENT_TYPE] == kind and (not of_item or event[ITEM_ID] == row[ITEM_ID]):
                found += 1
        return found

    return recipe


def _hours_since_last(kind: str, lag: timedelta) -> _Recipe:
    def recipe(row: Row, history: list[Row]) -> float | None:
        latest = None
        for event in history:
            seen = event[TIMESTAMP] + lag < row[PREDICTION_TIME] and event[EVENT_TYPE] == kind
            if seen and (latest is None or event[TIMESTAMP] > latest):
                latest = event[TIMESTAMP]
        return None if latest is None else (row[PREDICTION_TIME] - latest) / _HOUR

    return recipe


def _label(level: str, horizon: timedelta, sessions: int | None) -> _Recipe:
    key = _LABEL_KEYS[level]

    def recipe(row: Row, history: list[Row]) -> int:
        start = row[PREDICTION_TIME]
        so_far = max((event[SESSION_INDEX] for event in history if event[TIMESTAMP] < start), default=0)
        for event in history:
            inside = start <= event[TIMESTAMP] < start + horizon
            near = sessions is None or event[SESSION_INDEX] <= so_far + sessions
            if inside and near and event[EVENT_TYPE] == PURCHASE and all(event[name] == row[name] for name in key):
                return 1
        return 0

    return recipe


def _time(level: str, horizon: timedelta, sessions: int | None) -> _Recipe:
    key = _LABEL_KEYS[level]

    def recipe(row: Row, history: list[Row]) -> datetime | None:
        start, first = row[PREDICTION_TIME], None
        so_far = max((event[SESSION_INDEX] for event in history if event[TIMESTAMP] < start), default=0)
        for event in history:
            inside = start <= event[TIMESTAMP] < start + horizon
            near = sessions is None or event[SESSION_INDEX] <= so_far + sessions
            of_it = event[EVENT_TYPE] == PURCHASE and all(event[name] == row[name] for name in key)
            if inside and near and of_it and (first is None or event[TIMESTAMP] < first):
                first = event[TIMESTAMP]
        return first

    return recipe


def _amount(level: str, horizon: timedelta) -> _Recipe:
    key = _LABEL_KEYS[level]

    def recipe(row: Row, history: list[Row]) -> float | None:
        start, prices = row[PREDICTION_TIME], []
        for event in history:
            inside = start <= event[TIMESTAMP] < start + horizon
            if inside and event[EVENT_TYPE] == PURCHASE and all(event[name] == row[name] for name in key):
                prices.append(event[PRICE])
        known = [price for price in prices if price is not None and math.isfinite(price)]
        return None if prices and not known else math.fsum(known)

    return recipe


def _stays_away(horizon: timedelta) -> _Recipe:
    def recipe(row: Row, history: list[Row]) -> int:
        start = row[PREDICTION_TIME]
        for event in history:
            if start <= event[TIMESTAMP] < start + horizon:
                return 0
        return 1

    return recipe


def _equal(found: Any, expected: Any) -> bool:
    if isinstance(found, float) and isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=_CLOSE, abs_tol=_CLOSE)
    return bool(found == expected)
