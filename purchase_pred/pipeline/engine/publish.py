"""Publication: outputs take their names at once, each whole, and a manifest last says that they are complete."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from polars.exceptions import PolarsError

from purchase_pred.pipeline.engine.claim import claims, finish, take_names
from purchase_pred.pipeline.engine.fingerprint import MANIFEST_NAME, flush
from purchase_pred.pipeline.engine.manifest import describe, manifest_path, write_manifest
from purchase_pred.pipeline.engine.workspace import PARTIAL, disk_fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.manifest import Manifest
    from purchase_pred.pipeline.engine.stage import Made, Stage, Work
    from purchase_pred.pipeline.engine.workspace import Workspace


def publish(made: Sequence[Made], stage: Stage, /, *, work: Work, inputs: Mapping[str, str | None]) -> list[Manifest]:
    """Give every output its name and its manifest.

    All that can fail for want of space has been written and flushed before the first name is taken. While names are
    taken a claim lies beside them: should the run be cut off there, `recover` gives the others theirs.
    """
    workspace = work.workspace
    names: dict[Path, Path] = {}
    described: dict[Path, Path] = {}
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
            attachments=one.attachments,
        )
        write_manifest(manifest, _partial_manifest(one, workspace))
        flush(one.partial)
        names[one.partial] = workspace.path(one.output)
        if not one.partial.is_dir():
            described[_partial_manifest(one, workspace)] = manifest_path(workspace.path(one.output))
        for name, path in one.attachments.items():
            flush(path)
            if not path.is_relative_to(one.partial):
                names[path] = workspace.path(name)
        manifests.append(manifest)
    replaced = [path for name in stage.replaces for path in (workspace.path(name), manifest_path(workspace.path(name)))]
    take_names(workspace, stage.name, names | described, replaces=[workspace.relative(path) for path in replaced])
    workspace.origin.send()
    return manifests


def recover(workspace: Workspace, /) -> list[str]:
    """Finish what a run was cut off from publishing, remove what else interrupted runs left, and say so.

    Only the holder of the lock may.
    """
    told = []
    for claim in claims(workspace):
        what = f"what {claim.name.removeprefix('.').removesuffix('.claim')} had made when it was cut off"
        done = finish(workspace, claim)
        told.append(f"published {what}" if done else f"{what} was touched since and is not published")
    return [*told, *(f"removed {name}, left by an interrupted run" for name in workspace.clean())]


@contextmanager
def written_whole(path: Path, /, *, within: Path | None = None, writer: str = "") -> Iterator[Path]:
    """Give a temporary name to write to; the file then takes its own, flushed and whole, or nothing is left.

    The temporary name lies beside the file, or, for a file `within` a folder of which a manifest tells what it holds,
    beside that folder. Where several may write the same file, each `writer` has a temporary name of his own.
    """
    made = path if within is None else within.with_name(f"{within.name}.{path.name}")
    partial = made.with_name(f".{made.name}{writer and f'.{writer}'}{PARTIAL}")
    try:
        yield partial
        flush(partial)
        partial.replace(path)
    except PolarsError as error:
        fault = disk_fault([partial])
        if fault:
            raise fault from error
        raise
    finally:
        partial.unlink(missing_ok=True)


def _partial_manifest(made: Made, workspace: Workspace) -> Path:
    """Return where the manifest waits: within a folder, which is renamed whole, or beside a file."""
    if made.partial.is_dir():
        return made.partial / MANIFEST_NAME
    return workspace.partial(manifest_path(workspace.path(made.output)).relative_to(workspace.root).as_posix())
