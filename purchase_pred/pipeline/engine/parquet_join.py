"""Parquet files put behind one another as they are: row groups are copied, and one footer tells of all of them.

Nothing is decoded and compressed a second time. Which fields of a footer say where something lies is told in
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from purchase_pred.pipeline.engine.thrift import LIST, LONG, SMALL, STRUCT, Struct, read_struct, write_struct

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MAGIC: Final = b"PAR1"
_TAIL: Final = 4 + len(_MAGIC)
_BLOCK: Final = 1 << 22

# FileMetaData
_SCHEMA, _ROWS, _GROUPS, _KEY_VALUES = 2, 3, 4, 5
# RowGroup
_COLUMNS, _GROUP_ROWS, _GROUP_OFFSET, _ORDINAL = 1, 3, 5, 7
# ColumnChunk
_CHUNK_OFFSET, _CHUNK_DATA = 2, 3
_PAGE_INDEXES: Final = (4, 5, 6, 7)
# ColumnMetaData
_PAGE_OFFSETS: Final = (9, 10, 11)
_BLOOM_FILTERS: Final = (14, 15)


def join_parquet(parts: Sequence[Path], path: Path, /) -> int:
    """Write the row groups of files of one schema, one file after another, to a new file, and return its rows.

    Row groups without rows are left out; so are page indexes and bloom filters, without which every reader does.

    Raises
    ------
    ValueError
        There is no file to join, a file is no Parquet, or their schemas differ.
    """
    footer: Struct = {}
    groups: list[Struct] = []
    with path.open("wb") as target:
        target.write(_MAGIC)
        for part in parts:
            with part.open("rb") as source:
                found, end = _read_footer(source, part)
                footer = footer or found
                if any(found.get(field) != footer.get(field) for field in (_SCHEMA, _KEY_VALUES)):
                    raise ValueError(f"files joined to one must have one schema, found another in {part}")
                moved = target.tell() - len(_MAGIC)
                for group in _structs(found[_GROUPS]):
                    if group[_GROUP_ROWS][1]:
                        _move(group, moved, ordinal=len(groups))
                        groups.append(group)
                _copy(source, target, start=len(_MAGIC), end=end)
        if not footer:
            raise ValueError("there must be a file to join, found none")
        rows = sum(group[_GROUP_ROWS][1] for group in groups)
        content = write_struct(footer | {_ROWS: (LONG, rows), _GROUPS: (LIST, (STRUCT, groups))})
        target.write(content + len(content).to_bytes(4, "little") + _MAGIC)
    return int(rows)


def _read_footer(source: BinaryIO, path: Path) -> tuple[Struct, int]:
    """Return the footer of a file, and where it begins."""
    size = source.seek(0, 2)
    source.seek(max(0, size - _TAIL))
    tail = source.read()
    start = size - _TAIL - int.from_bytes(tail[:4], "little")
    if not tail.endswith(_MAGIC) or start < len(_MAGIC):
        raise ValueError(f"{path}: must be a Parquet file, and is none")
    source.seek(start)
    return read_struct(source.read(size - _TAIL - start)), start


def _move(group: Struct, by: int, *, ordinal: int) -> None:
    """Tell of a row group that it lies so many bytes further on, as the group of that number."""
    _shift(group, _GROUP_OFFSET, by)
    if _ORDINAL in group:
        group[_ORDINAL] = (SMALL, ordinal)
    for chunk in _structs(group[_COLUMNS]):
        for field in _PAGE_INDEXES:
            chunk.pop(field, None)
        if chunk[_CHUNK_OFFSET][1]:  # 0: not told
            _shift(chunk, _CHUNK_OFFSET, by)
        described: Struct = chunk[_CHUNK_DATA][1]
        for field in _PAGE_OFFSETS:
            _shift(described, field, by)
        for field in _BLOOM_FILTERS:
            described.pop(field, None)


def _shift(struct: Struct, field: int, by: int) -> None:
    if field in struct:
        kind, value = struct[field]
        struct[field] = (kind, value + by)


def _structs(field: tuple[int, tuple[int, list[Struct]]]) -> list[Struct]:
    return field[1][1]


def _copy(source: BinaryIO, target: BinaryIO, *, start: int, end: int) -> None:
    source.seek(start)
    target.writelines(source.read(min(_BLOCK, end - at)) for at in range(start, end, _BLOCK))
