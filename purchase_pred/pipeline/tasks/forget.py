"""A person forgotten: removed from every data file at once, with the manifests that tell of the files."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.names import MODELS, SPLITS
from purchase_pred.pipeline.engine.claim import take_names
from purchase_pred.pipeline.engine.fingerprint import fingerprint, flush, modified_ns, size
from purchase_pred.pipeline.engine.manifest import is_intact, manifest_path, read_manifest, write_manifest
from purchase_pred.pipeline.engine.parquet import ROWS_PER_GROUP, row_count
from purchase_pred.pipeline.engine.publish import recover, written_whole
from purchase_pred.pipeline.engine.shard_store import forget_shards
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE, LEDGER_FILE, REJECTED_FILE, features_file
from purchase_pred.pipeline.registry import STAGES, model_folders
from purchase_pred.pipeline.stages.earlier_features import forget_histories
from purchase_pred.pipeline.tasks.scoring.export import LISTS_FOLDER, exported_lists, replace_list, without_user
from purchase_pred.pipeline.tasks.verify import DATA_FILES
from purchase_pred.schema import EVENT_ID, LABEL, USER_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.manifest import Manifest
    from purchase_pred.pipeline.engine.workspace import Workspace

_REASON: Final = "reason"
_OWN_METADATA: Final = "ARROW:schema"
_LEARNT_FROM: Final = (features_file("train"), features_file("val"))
_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Forgotten:
    """What held the person."""

    rows: Mapping[str, int]
    """Path of each file within the workspace to the rows of the person in it."""
    trained: tuple[str, ...]
    """The models that learnt from rows of the person; training makes others without them."""
    unknown: tuple[str, ...]
    """The models that learnt from other feature files than those there, so that nothing tells."""


@dataclass(frozen=True)
class _Rewritten:
    """A file without the person, under its temporary name, and what it was before."""

    partial: Path
    before: str
    """Its fingerprint."""
    manifest: Manifest | None
    """None: no manifest vouched for what was there."""


def forget_user(workspace: Workspace, user: str, /, *, dry_run: bool = False) -> Forgotten:
    """Remove a person from raw, processed and feature files, rejected rows and lists of nights; data all or none.

    Manifests follow: what was as its manifest said still is, and is as fresh as it was. Models that learnt from the
    person stay, and are stale since their feature files have changed; models that did not stay as fresh as they were.

    Parameters
    ----------
    workspace
        Whatever an interrupted run left half published in it is finished first.
    user
        The person's `user_id`, as text. Of rejected rows go all that hold this text in any field of the source.
    dry_run
        Only tell what holds the person.

    Raises
    ------
    InputError
        No file holds the person.
    WorkspaceError
        Another run holds the workspace.
    """
    with workspace.locked():
        if not dry_run:
            recover(workspace)
        rows, lists = _rows_of(workspace, user), _lists_with(workspace, user)
        if not rows and not lists:
            raise InputError(f"no file of {workspace.path('data')} holds the user {user!r}; nothing was changed")
        trained, unknown, others = _models(workspace, rows)
        if not dry_run:
            forget_histories(workspace)
            for path in lists:  # first, so that a run that is cut off finds the person in the data again
                replace_list(without_user(path, user)[0], path)
            changed = _rewrite(workspace, user, rows)
            for folder in others:
                _follow(folder, changed)
            for stage in STAGES:
                forget_shards(workspace, stage.name)
            _LOGGER.info("removed a user from %s", ", ".join([*rows, *map(str, lists)]))
    told_of = rows | {workspace.relative(path): count for path, count in lists.items()}
    return Forgotten(told_of, tuple(trained), tuple(unknown))


def _rows_of(workspace: Workspace, user: str) -> dict[str, int]:
    """Return the files that hold the person, and how many rows of each are theirs."""
    counted = {}
    for name in DATA_FILES:
        path = workspace.path(name)
        theirs = _theirs(path, user) if path.is_file() else None
        if theirs is not None:
            counted[name] = int(pl.scan_parquet(path).filter(theirs).select(pl.len()).collect().item())
    return {name: rows for name, rows in counted.items() if rows}


def _lists_with(workspace: Workspace, user: str) -> dict[Path, int]:
    """Return the lists of nights that hold the person, and how many rows of each are theirs."""
    counted = {path: without_user(path, user)[1] for path in exported_lists(workspace.path(LISTS_FOLDER))}
    return {path: rows for path, rows in counted.items() if rows}


def _theirs(path: Path, user: str) -> pl.Expr | None:
    """Return which rows of a file are the person's; None where no row is anybody's."""
    columns = pl.scan_parquet(path).collect_schema().names()
    if path.as_posix().endswith(LEDGER_FILE):
        beside = [path.with_name(PurePosixPath(name).name) for name in (EVENTS_FILE, REJECTED_FILE)]
        held = [(pl.scan_parquet(file), _theirs(file, user)) for file in beside if file.is_file()]
        ids = [rows.filter(theirs).select(EVENT_ID).collect() for rows, theirs in held if theirs is not None]
        return pl.col(EVENT_ID).is_in(pl.concat(ids)[EVENT_ID].implode()) if ids else None
    if path.as_posix().endswith(REJECTED_FILE):
        # Nothing tells which field held the user: rather one rejected row too many goes than one too few.
        between = r"[\s\"',;|\[\]{}]"
        whole = rf"(^|{between}|\":)0*{re.escape(user)}($|{between})"
        fields = [pl.col(name).cast(pl.String) for name in columns if name not in {EVENT_ID, _REASON}]
        return pl.any_horizontal(field.str.contains(whole).fill_null(value=False) for field in fields)
    return (pl.col(USER_ID).cast(pl.String) == user).fill_null(value=False) if USER_ID in columns else None


def _models(workspace: Workspace, rows: Mapping[str, int]) -> tuple[list[str], list[str], list[Path]]:
    """Return the names of the models that learnt from the person, of those of which nothing tells, and the others."""
    trained, unknown, others = [], [], []
    now = {name: _fingerprint(workspace.path(name)) for name in _LEARNT_FROM}
    for folder in (folder for kind in MODELS for folder in model_folders(workspace, kind)):
        manifest = read_manifest(folder)
        if manifest is None or any(manifest.inputs.get(name) != found for name, found in now.items()):
            unknown.append(folder.name)
        elif any(name in rows for name in _LEARNT_FROM):
            trained.append(folder.name)
        else:
            others.append(folder)
    return trained, unknown, others


def _rewrite(workspace: Workspace, user: str, rows: Mapping[str, int]) -> dict[str, tuple[str, str]]:
    """Write the files anew and let all take their names at once; return path to fingerprints before and after."""
    made = {name: _without(workspace, name, user) for name in rows}
    changed = {name: (one.before, fingerprint(one.partial)) for name, one in made.items()}
    names: dict[Path, Path] = {}
    described: dict[Path, Path] = {}
    for name in DATA_FILES:
        path = workspace.path(name)
        one = made.get(name)
        manifest = one.manifest if one else read_manifest(path) if path.is_file() else None
        if one:
            names[one.partial] = path
        if manifest is None:
            continue
        follows = _mapped(manifest, changed)
        if follows != read_manifest(path):
            partial = workspace.partial(workspace.relative(manifest_path(path)))
            write_manifest(follows, partial)
            described[partial] = manifest_path(path)
    take_names(workspace, "forget", names | described, replaces=[])
    return changed


def _without(workspace: Workspace, name: str, user: str) -> _Rewritten:
    """Write a file without the person under its temporary name, with the manifest that then describes it."""
    path, partial = workspace.path(name), workspace.partial(name)
    manifest, before = read_manifest(path), fingerprint(path)
    theirs = _theirs(path, user)
    metadata = {key: text for key, text in pl.read_parquet_metadata(path).items() if key != _OWN_METADATA}
    kept = pl.scan_parquet(path).filter(~theirs) if theirs is not None else pl.scan_parquet(path)
    kept.sink_parquet(partial, row_group_size=ROWS_PER_GROUP, metadata=metadata)
    flush(partial)
    if manifest is None or not is_intact(path, manifest):
        return _Rewritten(partial, before, None)
    follows = replace(
        manifest,
        rows=row_count(partial),
        bytes=size(partial),
        modified_ns=modified_ns(partial),
        fingerprint=fingerprint(partial),
        counts=_counts(name, partial, manifest),
    )
    return _Rewritten(partial, before, follows)


def _counts(name: str, partial: Path, manifest: Manifest) -> Mapping[str, object]:
    """Return what was counted of a file, as far as it can be counted again."""
    if name == REJECTED_FILE:
        by_reason = pl.scan_parquet(partial).group_by(_REASON).agg(rows=pl.len()).sort(_REASON).collect()
        return {str(reason): int(rows) for reason, rows in by_reason.iter_rows()}
    if name in map(features_file, SPLITS) and "positives" in manifest.counts:
        positives = int(pl.scan_parquet(partial).select(pl.col(LABEL).cast(pl.Int64).sum()).collect().item())
        return {**manifest.counts, "positives": positives}
    return manifest.counts


def _mapped(manifest: Manifest, changed: Mapping[str, tuple[str, str]]) -> Manifest:
    """Return a manifest that names the files that were its inputs by the fingerprints that they have now."""
    inputs = {
        name: changed[name][1] if name in changed and made_of == changed[name][0] else made_of
        for name, made_of in manifest.inputs.items()
    }
    return replace(manifest, inputs=inputs)


def _follow(folder: Path, changed: Mapping[str, tuple[str, str]]) -> None:
    """Let the manifest of a model that did not learn from the person name its inputs as they are now."""
    manifest = read_manifest(folder)
    if manifest is None or _mapped(manifest, changed) == manifest:
        return
    with written_whole(manifest_path(folder), within=folder) as partial:
        write_manifest(_mapped(manifest, changed), partial)


def _fingerprint(path: Path) -> str | None:
    return fingerprint(path) if path.is_file() else None


def told(found: Forgotten, /, *, dry_run: bool) -> Sequence[str]:
    """Return what was done, or would be, line by line."""
    verb = "would be removed" if dry_run else "removed"
    lines = [f"{name}: {rows:,} rows {verb}" for name, rows in found.rows.items()]
    if found.trained:
        lines.append(f"trained on them: {', '.join(found.trained)}; `purchase-pred train` trains others without")
    if found.unknown:
        lines.append(f"trained on other files, so that nothing tells: {', '.join(found.unknown)}")
    lines.append("lists that `score --output` wrote outside of the workspace are not known here and stay as they are")
    return lines
