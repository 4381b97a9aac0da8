"""What must hold between the rows of the files: unique ids, the order of events, numbered sessions, none lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.names import SPLITS
from purchase_pred.pipeline.engine.manifest import content_fingerprint, read_manifest
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE, SESSIONIZED_FILE, split_events_file
from purchase_pred.schema import EVENT_ID, SESSION_INDEX, TIMESTAMP, USER_ID

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from purchase_pred.pipeline.engine.workspace import Workspace

Fault = tuple[str, str]
"""Path of a file within the workspace, and what is wrong with it."""

_SPLIT_FILES: Final = tuple(split_events_file(split) for split in SPLITS)


def order_faults(workspace: Workspace, sound: Collection[str], notes: list[str], /) -> Iterator[Fault]:
    """Yield what is wrong between the rows of files that are `sound` by themselves; `notes` takes what is left out."""
    if EVENTS_FILE in sound:
        yield from _id_faults(workspace)
    for name in (SESSIONIZED_FILE, *_SPLIT_FILES):
        if name in sound:
            yield from _session_faults(workspace, name)
    if {EVENTS_FILE, SESSIONIZED_FILE} <= set(sound) and _is_made_of(workspace, SESSIONIZED_FILE, EVENTS_FILE, notes):
        yield from _lost(workspace, (SESSIONIZED_FILE,), EVENTS_FILE)
    if {SESSIONIZED_FILE, *_SPLIT_FILES} <= set(sound) and all(
        _is_made_of(workspace, name, SESSIONIZED_FILE, notes) for name in _SPLIT_FILES
    ):
        yield from _lost(workspace, _SPLIT_FILES, SESSIONIZED_FILE)


def made_of_other(workspace: Workspace, name: str, source: str, /) -> str | None:
    """Return a sentence where a file was made of another version of its source than the one there; None: of this."""
    manifest = read_manifest(workspace.path(name))
    if manifest is not None and manifest.inputs.get(source) == content_fingerprint(workspace.path(source)):
        return None
    return f"{name} was made of another {source} than is there now, and was not held against it"


def _is_made_of(workspace: Workspace, name: str, source: str, notes: list[str]) -> bool:
    other = made_of_other(workspace, name, source)
    if other:
        notes.append(other)
    return other is None


def _id_faults(workspace: Workspace) -> Iterator[Fault]:
    rows, distinct, absent = (
        pl.scan_parquet(workspace.path(EVENTS_FILE))
        .select(pl.len(), pl.col(EVENT_ID).drop_nulls().n_unique().alias("distinct"), pl.col(EVENT_ID).null_count())
        .collect()
        .row(0)
    )
    if absent or distinct != rows:
        yield EVENTS_FILE, f"{EVENT_ID} must be unique, found {distinct:,} in {rows:,} rows, {absent:,} without one"


def _session_faults(workspace: Workspace, name: str) -> Iterator[Fault]:
    """Look for rows out of order and sessions that do not follow the one before; in a split they begin anywhere."""
    user, time, number, session = (pl.col(column) for column in (USER_ID, TIMESTAMP, EVENT_ID, SESSION_INDEX))
    same_user = user == user.shift()
    later = (time > time.shift()) | ((time == time.shift()) & (number > number.shift()))
    step = session.cast(pl.Int64) - session.cast(pl.Int64).shift()
    begins = session == 1 if name == SESSIONIZED_FILE else session >= 1
    counted = (
        pl.scan_parquet(workspace.path(name))
        .select(
            disorder=(~((user > user.shift()) | (same_user & later))).fill_null(value=False),
            gap=pl.when(same_user.fill_null(value=False)).then(~step.is_in([0, 1])).otherwise(~begins),
        )
        .sum()
        .collect()
        .row(0, named=True)
    )
    if counted["disorder"]:
        yield name, f"must be sorted by {USER_ID}, {TIMESTAMP}, {EVENT_ID}: {counted['disorder']:,} rows are not"
    if counted["gap"]:
        yield name, f"{SESSION_INDEX} must count 1, 2, 3 ... per user: it does not in {counted['gap']:,} rows"


def _lost(workspace: Workspace, names: tuple[str, ...], source: str) -> Iterator[Fault]:
    """Compare count and sums of ids and times, which any event lost, doubled or moved in time would change."""
    sums = (
        pl.len().cast(pl.Int128),
        pl.col(EVENT_ID).cast(pl.Int128).sum(),
        pl.col(TIMESTAMP).to_physical().cast(pl.Int128).sum().alias("time"),
    )
    made, given = (
        pl.scan_parquet([workspace.path(name) for name in group]).select(sums).collect().row(0)
        for group in (names, (source,))
    )
    if made != given:
        yield names[0], f"must hold the {given[0]:,} events of {source}, found {made[0]:,} or others"
