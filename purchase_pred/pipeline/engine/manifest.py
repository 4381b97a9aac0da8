"""Manifests: beside each output, what it was made from, with which settings, and what it holds."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.pipeline.engine.fingerprint import MANIFEST_NAME, fingerprint, flush, modified_ns, size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True)
class Manifest:
    """What is known of one output."""

    schema_version: int
    program_version: str
    stage: str
    output: str
    """Path within the workspace."""
    settings: Mapping[str, Any]
    """The settings it was made with, by dotted key: those of its stage and no others."""
    inputs: Mapping[str, str | None]
    """Path of each input to its fingerprint; None: there was none."""
    rows: int | None
    bytes: int
    modified_ns: int
    fingerprint: str
    counts: Mapping[str, Any]
    """Whatever else the stage counted: purged rows, rejected rows, positives."""
    created: str


def manifest_path(output: Path, /) -> Path:
    """Return where the manifest of an output lies.

    Examples
    --------
    >>> from pathlib import Path
    >>> manifest_path(Path("data/raw/users.parquet")).as_posix()
    'data/raw/users.manifest.json'
    """
    return output / MANIFEST_NAME if output.is_dir() else output.with_suffix(".manifest.json")


def program_version() -> str:
    """Return the version of the installed program."""
    return version("purchase-pred")


def describe(
    made: Path,
    /,
    *,
    stage: str,
    output: str,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str | None],
    rows: int | None,
    counts: Mapping[str, Any],
) -> Manifest:
    """Return the manifest of an output that lies, still under its temporary name, at `made`."""
    return Manifest(
        schema_version=SCHEMA_VERSION,
        program_version=program_version(),
        stage=stage,
        output=output,
        settings=settings,
        inputs=inputs,
        rows=rows,
        bytes=size(made),
        modified_ns=modified_ns(made),
        fingerprint=fingerprint(made),
        counts=counts,
        created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    )


def read_manifest(output: Path, /) -> Manifest | None:
    """Return the manifest of an output, or None if there is none, or none that this version can read."""
    try:
        content = json.loads(manifest_path(output).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    names = {field.name for field in fields(Manifest)}
    if not isinstance(content, dict) or set(content) != names or content["schema_version"] != SCHEMA_VERSION:
        return None
    return Manifest(**content)


def write_manifest(manifest: Manifest, path: Path, /) -> None:
    """Write a manifest and put it on the disk."""
    path.write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    flush(path)


def is_intact(output: Path, manifest: Manifest, /) -> bool:
    """Tell whether an output is the one its manifest describes: by size and time, or else by content."""
    if size(output) != manifest.bytes:
        return False
    return modified_ns(output) == manifest.modified_ns or fingerprint(output) == manifest.fingerprint


def content_fingerprint(path: Path, /) -> str | None:
    """Return the fingerprint of a file, read from its manifest where that vouches for it; None: no such file."""
    if not path.exists():
        return None
    manifest = read_manifest(path)
    if manifest and (size(path), modified_ns(path)) == (manifest.bytes, manifest.modified_ns):
        return manifest.fingerprint
    return fingerprint(path)
