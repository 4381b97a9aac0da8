"""Fingerprints of files and folders: by content, so that identical bytes are the same however often they are made."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANIFEST_NAME: Final = "manifest.json"
"""The manifest of a folder lies within it, and is no part of its content."""
REPORT_NAME: Final = "report.html"
"""The report of a model can be drawn anew at any time: it is no part of the model's content, but attached to it."""

_BLOCK: Final = 1 << 20


def fingerprint(path: Path, /) -> str:
    """Return the BLAKE2b fingerprint of a file's bytes, or of the names and bytes of a folder's files."""
    digest = new_digest()
    for file in _files(path):
        if file != path:
            digest.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def new_digest() -> hashlib.blake2b:
    """Return what takes the bytes of a file for its fingerprint, for who has them in hand already."""
    return hashlib.blake2b(digest_size=16)


def size(path: Path, /) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in _files(path))


def modified_ns(path: Path, /) -> int:
    """Return when a file, or the latest of a folder's files, was modified, in nanoseconds."""
    return max((file.stat().st_mtime_ns for file in _files(path)), default=0)


def flush(path: Path, /) -> None:
    """Ask the system to put a file, or a folder's files and entries, on the disk."""
    for file in (*_files(path), path):
        flush_entries(file)


def flush_entries(path: Path, /) -> None:
    """Ask the system to put a file, or the entries of a folder alone, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and file.relative_to(path).as_posix() not in {MANIFEST_NAME, REPORT_NAME}:
            yield file
