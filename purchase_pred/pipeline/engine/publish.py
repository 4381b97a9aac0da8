"""Publication: outputs take their names at once, each whole, and a manifest last says that they are complete."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from purchase_pred.pipeline.engine.fingerprint import MANIFEST_NAME, flush
from purchase_pred.pipeline.engine.manifest import describe, manifest_path, write_manifest
from purchase_pred.pipeline.engine.workspace import PARTIAL, remove

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.manifest import Manifest
    from purchase_pred.pipeline.engine.stage import Made, Stage, Work
    from purchase_pred.pipeline.engine.workspace import Workspace


def publish(made: Sequence[Made], stage: Stage, /, *, work: Work, inputs: Mapping[str, str | None]) -> list[Manifest]:
    """Give every output its name and its manifest.

    All that can fail for want of space has been written and flushed before the first name is taken. While names are
    taken a claim lies beside them: should the run be cut off there, the next one knows whose work lies half done.
    """
    workspace = work.workspace
    manifests = []
    for one in made:
        manifest = describe(
            one.partial,
            stage=stage.name,
            output=one.output,
            settings=stage.settings_of(one.unit, work.settings),
            inputs=inputs,
            rows=one.rows,
            counts=one.counts,
        )
        write_manifest(manifest, _partial_manifest(one, workspace))
        flush(one.partial)
        manifests.append(manifest)
    claim = claim_path(workspace, stage.name)
    claim.parent.mkdir(parents=True, exist_ok=True)
    claim.touch()
    for one in made:
        _take_name(one.partial, workspace.path(one.output))
    for one in made:
        if not workspace.path(one.output).is_dir():
            _partial_manifest(one, workspace).replace(manifest_path(workspace.path(one.output)))
        flush(workspace.path(one.output).parent)
    claim.unlink()
    return manifests


@contextmanager
def written_whole(path: Path, /, *, within: Path | None = None) -> Iterator[Path]:
    """Give a temporary name to write to; the file then takes its own, flushed and whole, or nothing is left.

    The temporary name lies beside the file, or, for a file `within` a folder of which a manifest tells what it holds,
    beside that folder.
    """
    made = path if within is None else within.with_name(f"{within.name}.{path.name}")
    partial = made.with_name(f".{made.name}{PARTIAL}")
    try:
        yield partial
        flush(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def claim_path(workspace: Workspace, stage: str, /) -> Path:
    """Return the file that lies in the workspace while outputs of a stage take their names."""
    return workspace.path(f"data/.{stage}.claim")


def _partial_manifest(made: Made, workspace: Workspace) -> Path:
    """Return where the manifest waits: within a folder, which is renamed whole, or beside a file."""
    if made.partial.is_dir():
        return made.partial / MANIFEST_NAME
    return workspace.partial(manifest_path(workspace.path(made.output)).relative_to(workspace.root).as_posix())


def _take_name(partial: Path, path: Path) -> None:
    if partial.is_dir() and path.exists():
        remove(path)
    partial.replace(path)
