"""What the source of a log looks like, and whether further files can be put behind it as if read with it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest.rows import REASON
from purchase_pred.ingest.source import EXTRA_FIELD, PREFIX
from purchase_pred.schema import EVENT_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from purchase_pred.ingest.source import SourceLog

ANEW: Final = "bring all files in by one `purchase-pred ingest` with --force"
"""What is to be done where nothing can be added."""


@dataclass(frozen=True)
class LogLayout:
    """What decides, beside the settings, how the rows of a log are read."""

    columns: Mapping[str, str]
    """Source column to its dtype, in order."""
    kinds: tuple[str, ...]
    """The kinds of the files, sorted."""
    listed: bool
    """Whether a product list, or files of the format's own, stood beside the events."""
    hashed: int
    """What a fixed text hashes to: fingerprints of rows can be compared where this is the same."""

    def to_json(self) -> str:
        """Return the layout as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str, /) -> LogLayout:
        """Return the layout that a text tells of."""
        content = json.loads(text)
        return cls(**content | {"kinds": tuple(content["kinds"])})

    def joined(self, added: LogLayout, /) -> LogLayout:
        """Return the layout of this log with files behind it.

        Raises
        ------
        InputError
            The rows of the two would be read in another way if all their files were read at once.
        """
        self._check(added)
        columns = {**self.columns, **added.columns}
        whole = plain_names(columns)
        for layout in (self, added):
            moved = [plain for name, plain in plain_names(layout.columns).items() if whole[name] != plain]
            if moved:
                raise InputError(f"{moved[0]!r} names another column in what is to be added; {ANEW}")
        return LogLayout(columns, self.kinds, self.listed or added.listed, self.hashed)

    def _check(self, added: LogLayout) -> None:
        if self.hashed != added.hashed:
            raise InputError(
                "the log was read with another version of Polars, so repeated rows cannot be told; " + ANEW
            )
        if self.listed and not added.listed:
            raise InputError(
                "the log was read with a product list or files of item properties, and none is given now; name them "
                "again, or " + ANEW
            )
        kinds = [kind for kind in added.kinds if kind not in self.kinds]
        if kinds:
            raise InputError(
                f"the log was read from {' and '.join(self.kinds)}, and {kinds[0]} is to be added; write it alike, or "
                + ANEW
            )
        for name, dtype in added.columns.items():
            if self.columns.get(name, dtype) != dtype:
                raise InputError(
                    f"column {name.removeprefix(PREFIX)!r} is {self.columns[name]} in the log and {dtype} in what is "
                    f"to be added; write it alike, or {ANEW}"
                )


def layout_of(log: SourceLog, /) -> LogLayout:
    """Return the layout of a log as read."""
    schema = log.rows.collect_schema()
    columns = {name: str(dtype) for name, dtype in schema.items() if name.startswith(PREFIX)}
    hashed = int(pl.Series(["purchase"]).hash(1)[0])
    return LogLayout(columns, log.kinds, log.categories is not None, hashed)


def plain_names(marked: Iterable[str], /) -> dict[str, str]:
    """Return the names under which rejected rows show the source's columns; none stands twice."""
    names: dict[str, str] = {}
    taken = {EVENT_ID, REASON}
    own = [name for name in marked if name.startswith(PREFIX)]
    for column in sorted(own, key=lambda one: one == PREFIX + EXTRA_FIELD):  # its name is ours, so it gives way
        plain = "extra_field" if column == PREFIX + EXTRA_FIELD else column.removeprefix(PREFIX)
        while plain in taken or (plain != column.removeprefix(PREFIX) and PREFIX + plain in own):
            plain = f"source_{plain}"
        names[column] = plain
        taken.add(plain)
    return {column: names[column] for column in own}
