"""Manifests: beside each output, what it was made from, with which settings, and what it holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.pipeline.engine.fingerprint import MANIFEST_NAME, fingerprint, flush, modified_ns, size
from purchase_pred.pipeline.engine.manifest_form import TOO_DEEP, find_fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA_VERSION: Final = 1

_MOST_BYTES: Final = 16 << 20
_DIGEST: Final = "digest"


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
    attachments: Mapping[str, str] = field(default_factory=dict)
    """Path of each file that belongs to the output and is no part of its content, to its fingerprint."""


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
    attachments: Mapping[str, Path],
) -> Manifest:
    """Return the manifest of an output that lies, still under its temporary name, at `made`, as attachments may."""
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
        attachments={name: fingerprint(path) for name, path in attachments.items()},
    )


def read_manifest(output: Path, /) -> Manifest | None:
    """Return the manifest of an output, or None if there is none, or none that this version can read."""
    path = manifest_path(output)
    try:
        return _parse(path) if path.is_file() else None
    except (OSError, ValueError):
        return None


def manifest_fault(output: Path, /) -> str:
    """Return what is wrong with the manifest of an output that `read_manifest` cannot read."""
    path = manifest_path(output)
    if not path.is_file():
        return "has no manifest"
    try:
        _parse(path)
    except (OSError, ValueError) as error:
        return f"has a manifest that cannot be read ({error})"
    return "has a manifest"


def write_manifest(manifest: Manifest, path: Path, /) -> None:
    """Write a manifest and put it on the disk."""
    path.write_text(_sealed(asdict(manifest)), encoding="utf-8")
    flush(path)


def is_as_written(output: Path, /) -> bool:
    """Tell whether the manifest of an output is, byte for byte, as this program wrote it.

    One written before manifests carried their own hash is believed.
    """
    text = manifest_path(output).read_text(encoding="utf-8", errors="replace")
    content = json.loads(text)
    return _DIGEST not in content or text == _sealed(content)


def is_intact(output: Path, manifest: Manifest, /) -> bool:
    """Tell whether an output is the one its manifest describes: by size and time, or else by content."""
    if size(output) != manifest.bytes:
        return False
    return modified_ns(output) == manifest.modified_ns or fingerprint(output) == manifest.fingerprint


def is_output_of(stage: str, path: Path, /) -> bool:
    """Tell whether a file is the one that a stage wrote, and so in the order that the stage vouches for."""
    manifest = read_manifest(path)
    return manifest is not None and manifest.stage == stage and is_intact(path, manifest)


def content_fingerprint(path: Path, /) -> str | None:
    """Return the fingerprint of a file, read from its manifest where that vouches for it; None: no such file."""
    if not path.exists():
        return None
    manifest = read_manifest(path)
    if manifest and (size(path), modified_ns(path)) == (manifest.bytes, manifest.modified_ns):
        return manifest.fingerprint
    return fingerprint(path)


def _parse(path: Path) -> Manifest:
    """Return a manifest; whatever else lies there is a ValueError that says what is wrong with it."""
    content = _read(path)
    optional = {field.name for field in fields(Manifest) if field.default_factory is not MISSING}
    names = {field.name for field in fields(Manifest)}
    fault = find_fault(content, version=SCHEMA_VERSION, required=names - optional, known=names | {_DIGEST})
    if fault:
        raise ValueError(fault)
    return Manifest(**{name: value for name, value in content.items() if name != _DIGEST})


def _sealed(content: Mapping[str, Any]) -> str:
    """Return the text of a manifest with the hash of all else in it, by which `is_as_written` finds a change."""
    told = {name: value for name, value in content.items() if name != _DIGEST}
    digest = hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()
    return json.dumps(told | {_DIGEST: digest}, indent=2) + "\n"


def _read(path: Path) -> Any:
    found = path.stat().st_size
    if found > _MOST_BYTES:
        raise ValueError(f"it must hold at most {_MOST_BYTES:,} bytes, found {found:,}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    except ValueError as error:
        raise ValueError("it is not JSON") from error
