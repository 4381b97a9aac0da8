"""Structures in Thrift's compact protocol, which the footers of Parquet files are written in.

The protocol: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md. Maps, which no Parquet
footer holds, are not read.
"""

from __future__ import annotations

from typing import Any, Final

TRUE, FALSE, BYTE, SMALL, INT, LONG, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12

Struct = dict[int, tuple[int, Any]]
"""Field number to type and value; the value of a list is the type of its items and the items."""

_NUMBERS: Final = {SMALL, INT, LONG}
_LONG_LIST: Final = 15


def read_struct(content: bytes, /) -> Struct:
    """Return the structure that bytes hold.

    Raises
    ------
    ValueError
        They end too soon, or hold what is not read.

    Examples
    --------
    >>> read_struct(write_struct({1: (LONG, -300), 20: (BINARY, b"a"), 21: (LIST, (INT, [1, 2]))}))
    {1: (6, -300), 20: (8, b'a'), 21: (9, (5, [1, 2]))}
    """
    try:
        return _Reader(content).struct()
    except IndexError as error:
        raise ValueError(f"a structure must be whole, found its first {len(content)} bytes") from error


def write_struct(struct: Struct, /) -> bytes:
    """Return the bytes of a structure."""
    content = bytearray()
    _put_struct(content, struct)
    return bytes(content)


class _Reader:
    """Reads values one after another."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def struct(self) -> Struct:
        struct: Struct = {}
        field = 0
        while head := self._byte():
            step, kind = divmod(head, 16)
            field = field + step if step else self._number()
            struct[field] = (kind, self._value(kind) if kind > FALSE else kind == TRUE)
        return struct

    def _value(self, kind: int) -> Any:
        if kind in _NUMBERS:
            return self._number()
        if kind == BINARY:
            return self._bytes(self._unsigned())
        if kind == STRUCT:
            return self.struct()
        if kind in {LIST, SET}:
            return self._list()
        if kind <= BYTE:  # within a list a truth value is a byte, too
            return self._byte()
        if kind == DOUBLE:
            return self._bytes(8)
        raise ValueError(f"a value must be of a type that Parquet uses, found type {kind}")

    def _list(self) -> tuple[int, list[Any]]:
        length, kind = divmod(self._byte(), 16)
        if length == _LONG_LIST:
            length = self._unsigned()
        return kind, [self._value(kind) for _ in range(length)]

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _bytes(self, length: int) -> bytes:
        self._at += length
        if self._at > len(self._content):
            raise IndexError
        return self._content[self._at - length : self._at]

    def _unsigned(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004  (the highest bit says that more follows)
                return number
            shift += 7

    def _number(self) -> int:
        zigzag = self._unsigned()
        return (zigzag >> 1) ^ -(zigzag & 1)


def _put_struct(content: bytearray, struct: Struct) -> None:
    before = 0
    for field, (kind, value) in struct.items():
        if 0 < field - before < _LONG_LIST + 1:
            content.append((field - before) << 4 | kind)
        else:
            content.append(kind)
            _put_number(content, field)
        before = field
        if kind > FALSE:
            _put(content, kind, value)
    content.append(0)


def _put(content: bytearray, kind: int, value: Any) -> None:
    if kind in _NUMBERS:
        _put_number(content, value)
    elif kind == BINARY:
        _put_unsigned(content, len(value))
        content += value
    elif kind == STRUCT:
        _put_struct(content, value)
    elif kind in {LIST, SET}:
        of, items = value
        content.append(min(len(items), _LONG_LIST) << 4 | of)
        if len(items) >= _LONG_LIST:
            _put_unsigned(content, len(items))
        for item in items:
            _put(content, of, item)
    elif kind <= BYTE:
        content.append(value)
    else:
        content += value


def _put_number(content: bytearray, number: int) -> None:
    _put_unsigned(content, number << 1 if number >= 0 else (-number << 1) - 1)


def _put_unsigned(content: bytearray, number: int) -> None:
    while number > 127:  # noqa: PLR2004
        content.append(number & 127 | 128)
        number >>= 7
    content.append(number)
