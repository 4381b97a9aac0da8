"""The files of a log: content recognised by its first bytes, every fault named."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from purchase_pred.errors import EmptyLogError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FileKind = Literal["csv", "ndjson", "parquet"]

_HEAD_BYTES: Final = 1 << 16
_LONGEST_HEADER: Final = 1 << 24
_NAMES_FROM_LINES: Final = 10_000
_WIDTHS_FROM_LINES: Final = 1_000
_MARK: Final = codecs.BOM_UTF8
_GZIP: Final = b"\x1f\x8b"
_PARQUET: Final = b"PAR1"
_SEPARATORS: Final = ",\t;|"
_REFUSED: Final = {
    b"PK\x03\x04": "is a zip archive; unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed with Zstandard; decompress it or use gzip",
    b"BZh": "is compressed with bzip2; decompress it or use gzip",
    b"\xfd7zXZ": "is compressed with xz; decompress it or use gzip",
    b"\xff\xfe": "is UTF-16 text; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)",
    b"\xfe\xff": "is UTF-16 text; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)",
}


@dataclass(frozen=True)
class LogFile:
    """One file of a log, as its first bytes show it."""

    path: Path
    kind: FileKind
    """Delimited text, one JSON object per line, or Parquet; text may be compressed with gzip."""
    names: tuple[str, ...]
    """The columns found: the first row of delimited text, the fields of the first lines, the Parquet schema."""
    separator: str = ","
    """Of delimited text: whichever of comma, tab, semicolon and bar is most frequent in the first row."""
    header: bool = True
    """Of delimited text: whether the first row names the columns."""
    widths: tuple[int, ...] = ()
    """Of delimited text: the number of fields of each of the first lines."""
    nested: frozenset[str] = frozenset()
    """Of NDJSON: the columns that hold objects or lists."""
    marked: bool = False
    """Of NDJSON: whether it begins with a byte order mark, which the engine would stumble over."""


def inspect_file(path: Path, /) -> LogFile:
    """Recognise a file by its content, whatever its name, and read the names of its columns.

    Raises
    ------
    InputError
        The file is empty, cannot be read, is broken gzip, or is of a kind that cannot be read.
    """
    start = _first_bytes(path)
    if start.startswith(_PARQUET):
        return _inspect_parquet(path)
    for magic, fault in _REFUSED.items():
        if start.startswith(magic):
            raise InputError(f"{path}: {fault}")
    text = start.decode("utf-8-sig", errors="replace")
    if not text.strip():
        raise EmptyLogError(f"{path}: the file is empty; a log needs at least one row")
    if "\0" in text:
        raise InputError(f"{path}: binary content; CSV, NDJSON (both may be gzip) or Parquet is required")
    if text.lstrip().startswith("{"):
        return _inspect_ndjson(path, marked=start.startswith(_MARK))
    if text.lstrip().startswith(("[{", "[\n")):
        raise InputError(f"{path}: one JSON array; one object per line is required (jq -c '.[]' makes it)")
    return _inspect_delimited(path, text)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            packed = file.read(len(_GZIP)) == _GZIP
        with _opened(path, packed=packed) as file:
            start = file.read(_HEAD_BYTES)
            while b"\n" not in start and len(start) < _LONGEST_HEADER and (block := file.read(_HEAD_BYTES)):
                start += block
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: broken gzip ({error}); fetch or compress the file again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    if packed and start.startswith(_PARQUET):
        raise InputError(f"{path}: Parquet inside gzip; decompress it, Parquet is compressed by itself")
    return start


def _inspect_parquet(path: Path) -> LogFile:
    try:
        names = tuple(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path}: broken Parquet ({first_line(error)}); fetch or write the file again") from error
    return LogFile(path, "parquet", names)


def _inspect_ndjson(path: Path, *, marked: bool) -> LogFile:
    fields: dict[str, bool] = {}
    try:
        with path.open("rb") as file:
            packed = file.read(len(_GZIP)) == _GZIP
        with _opened(path, packed=packed) as file:
            for line in islice(file, _NAMES_FROM_LINES):
                if line.strip():
                    for name, value in json.loads(line).items():
                        fields[name] = fields.get(name, False) or isinstance(value, dict | list)
    except (AttributeError, RecursionError, ValueError, OSError) as error:
        raise InputError(
            f"{path}: not one JSON object per line ({first_line(error)}); mend or remove that line"
        ) from error
    nested = frozenset(name for name, is_nested in fields.items() if is_nested)
    return LogFile(path, "ndjson", tuple(fields), nested=nested, marked=marked)


def _opened(path: Path, *, packed: bool) -> io.BufferedIOBase:
    return gzip.open(path) if packed else path.open("rb")


def _inspect_delimited(path: Path, text: str) -> LogFile:
    if "\n" not in text and "\r" in text.strip():
        raise InputError(f"{path}: lines end with CR alone; convert them (tr '\\r' '\\n' < OLD > NEW)")
    first_row = text.split("\n", 1)[0].rstrip("\r")
    separator = max(_SEPARATORS, key=first_row.count)
    try:
        fields = next(csv.reader(io.StringIO(first_row), delimiter=separator), [])
    except csv.Error as error:
        raise InputError(f"{path}: the first line is no row of columns ({first_line(error)}); mend it") from error
    names = tuple(name.strip() for name in fields)
    lines = text.split("\n")
    whole = lines[:-1] if len(lines) > 1 else lines
    widths = tuple(line.count(separator) + 1 for line in whole[:_WIDTHS_FROM_LINES] if line.strip())
    return LogFile(path, "csv", names, separator, widths=widths)


@contextmanager
def readable(files: Sequence[Path], /) -> Iterator[None]:
    """Turn what the engine says of files that it cannot read into one message.

    Raises
    ------
    InputError
        Whenever the engine fails on reading within the block.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        faulty = _broken_text(files) or files
        raise InputError(
            f"{name_files(faulty)}: the log cannot be read to its end ({first_line(error)}); {_cure(str(error))}"
        ) from error


def name_files(files: Sequence[Path], /) -> str:
    """Return the first files by name and how many more there are."""
    return ", ".join(map(str, files[:3])) + (f" and {len(files) - 3:,} more" if len(files) > 3 else "")  # noqa: PLR2004


def plain_pattern(path: Path) -> str:
    """Return a path as a glob that matches nothing but itself."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def first_line(error: Exception) -> str:
    """Return what an error of the engine says, without its advice to programmers."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _broken_text(files: Sequence[Path]) -> list[Path]:
    """Return those of some text files that cannot be decompressed or decoded to their end."""
    return [path for path in files if not _is_sound(path)]


def _is_sound(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            start = file.read(len(_PARQUET))
        if start == _PARQUET:
            return True
        with _opened(path, packed=start.startswith(_GZIP)) as file:
            for block in iter(lambda: file.read(_HEAD_BYTES), b""):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except (EOFError, OSError, UnicodeDecodeError, zlib.error):
        return False
    return True


def _cure(message: str) -> str:
    if "utf-8" in message.lower():
        return "convert it to UTF-8 (iconv -f LATIN1 -t UTF-8)"
    if "could not parse" in message:
        return "a quotation mark may be left open; mend or remove that line"
    if "error parsing" in message or "cannot parse" in message:
        return "one JSON object per line is required; mend or remove the line"
    return "fetch or write the file again"
