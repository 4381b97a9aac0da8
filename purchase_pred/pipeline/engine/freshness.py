"""Freshness: whether an output is what its stage would make now, and if not, why."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from purchase_pred.pipeline.engine.fingerprint import fingerprint
from purchase_pred.pipeline.engine.manifest import (
    content_fingerprint,
    is_intact,
    manifest_fault,
    program_version,
    read_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from purchase_pred.pipeline.engine.stage import Stage
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings

State = Literal["fresh", "stale", "missing"]

_LONGEST: Final = 200


@dataclass(frozen=True)
class Verdict:
    """Whether an output is fresh, and every reason why not."""

    state: State
    reasons: tuple[str, ...] = ()


def judge_stage(stage: Stage, workspace: Workspace, settings: Settings, /) -> dict[str, Verdict]:
    """Return the verdict on each unit of a stage.

    A unit is fresh when one of its outputs has a manifest, is the file that the manifest describes, and was made by
    this version of the program from the same inputs, by content, with the same settings.
    """
    fingerprints = input_fingerprints(stage, workspace)
    return {
        unit: _judge_unit(stage, unit, workspace, stage.settings_of(unit, settings), fingerprints)
        for unit in stage.units
    }


def input_fingerprints(stage: Stage, workspace: Workspace, /) -> dict[str, str | None]:
    """Return the fingerprint of each input of a stage, None for one that is absent."""
    names = (*stage.inputs, *stage.optional_inputs)
    return dict(stage.held_inputs) | {name: content_fingerprint(workspace.path(name)) for name in names}


def fresh_output(stage: Stage, unit: str, workspace: Workspace, settings: Settings, /) -> Path | None:
    """Return the output of a unit that is fresh, or None."""
    wanted, inputs = stage.settings_of(unit, settings), input_fingerprints(stage, workspace)
    found = (path for path in stage.find(workspace, unit) if path.exists())
    return next((p for p in found if _judge_output(stage, p, workspace, wanted, inputs).state == "fresh"), None)


def _judge_unit(
    stage: Stage, unit: str, workspace: Workspace, settings: Mapping[str, Any], inputs: Mapping[str, str | None]
) -> Verdict:
    found = [path for path in stage.find(workspace, unit) if path.exists()]
    if not found:
        return Verdict("missing", (f"{unit} is missing",))
    verdicts = [_judge_output(stage, path, workspace, settings, inputs) for path in found]
    return next((verdict for verdict in verdicts if verdict.state == "fresh"), verdicts[0])


def _judge_output(
    stage: Stage, path: Path, workspace: Workspace, settings: Mapping[str, Any], inputs: Mapping[str, str | None]
) -> Verdict:
    manifest = read_manifest(path)
    name = workspace.relative(path)
    if manifest is None:
        return Verdict("stale", (f"{name} {manifest_fault(path)}",))
    if manifest.stage != stage.name:
        return Verdict("stale", (f"{name} was made by {_shown(manifest.stage)}",))
    reasons = [
        *_changes("program version", {"": manifest.program_version}, {"": program_version()}),
        *_changes("", dict(_flat(manifest.settings)), dict(_flat(settings))),
        *_input_changes(manifest.inputs, inputs),
    ]
    if not is_intact(path, manifest):
        reasons.append(f"{name} was changed by something else")
    reasons += _attachment_changes(manifest.attachments, workspace)
    return Verdict("stale", tuple(reasons)) if reasons else Verdict("fresh")


def _changes(what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    return [f"{what}{key} {_shown(before.get(key))} -> {_shown(now.get(key))}" for key in keys]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield values by dotted key, so that of a table of settings only the cell that changed is named."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _input_changes(before: Mapping[str, str | None], now: Mapping[str, str | None]) -> list[str]:
    reasons = []
    for name in {**before, **now}:
        old, new = before.get(name), now.get(name)
        if old != new:
            verb = "is gone" if new is None else "is new" if old is None else "has changed"
            reasons.append(f"{name} {verb}")
    return reasons


def _attachment_changes(attachments: Mapping[str, str], workspace: Workspace) -> list[str]:
    """Say which files beside an output are gone, or no longer those that were made with it."""
    found = {name: _fingerprint_of(workspace.path(name)) for name in attachments}
    return [
        f"{name} is missing" if found[name] is None else f"{name} was changed by something else"
        for name in attachments
        if found[name] != attachments[name]
    ]


def _fingerprint_of(path: Path) -> str | None:
    """Return the fingerprint of a file, or None where there is none, or none can be under that name."""
    return fingerprint(path) if os.path.isfile(path) else None  # noqa: PTH113  (pathlib's own raises on odd names)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return f"[{', '.join(_shown(one) for one in value)}]"
    text = "null" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
