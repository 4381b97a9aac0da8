"""What a log says, by the csv and json modules, plain loops and datetime: slow, obvious, no Polars."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CANONICAL_EVENTS = ("view", "scroll", "add_to_cart", "remove_from_cart", "purchase")
MISSING = [
    "None",
    "none",
    "NONE",
    "null",
    "Null",
    "NULL",
    "NaN",
    "nan",
    "NAN",
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "<NA>",
    "NaT",
    "undefined",
    "\\N",
]
STAMP = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d|[+-]\d\d)?)?"
)
COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}

Row = dict[str, str | None]


@dataclass
class Layout:
    """Which column of a log means what."""

    columns: Mapping[str, str]
    events: Mapping[str, str] = field(default_factory=lambda: {name: name for name in CANONICAL_EVENTS})
    zone: str = "UTC"
    decimal: str = "."
    earliest: datetime = datetime(1990, 1, 1, tzinfo=UTC)
    latest: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    outlier_distance: int = 365
    keep: tuple[str, ...] = ()


class MostlyUnreadable(Exception):  # noqa: N818  (what it says of a column)
    """More than half of what is written in a column is no number."""


@dataclass
class Reading:
    """What must come of a log."""

    events: list[tuple]
    rejected: list[tuple[int, str]]
    catalog: dict
    users: dict
    kept: dict[str, list] = field(default_factory=dict)


def csv_rows(paths: Iterable[Path], *, separator: str = ",") -> list[Row]:
    rows: list[Row] = []
    for path in paths:
        with Path(path).open(newline="", encoding="utf-8") as file:
            rows += [
                {name: value or None for name, value in row.items()}
                for row in csv.DictReader(file, delimiter=separator)
            ]
    return rows


def json_rows(paths: Iterable[Path]) -> list[Row]:
    lines = [line for path in paths for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return [{name: None if value is None else str(value) for name, value in json.loads(line).items()} for line in lines]


def moment(written: str | None, zone: str) -> datetime | None:
    """Return the moment that a text stands for."""
    text = (written or "").strip()
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return _counted(text, zone)
    found = STAMP.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, named = found.groups()
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        day_of = datetime(int(year), int(month), int(day), tzinfo=UTC).replace(tzinfo=None)
        clock = day_of.replace(hour=int(hour or 0), minute=int(minute or 0), second=int(second or 0))
    except ValueError:
        return None
    local = clock.replace(microsecond=microsecond)
    if named is None:
        return _in_zone(local, zone)
    ahead = _offset(named)
    return None if ahead is None else local.replace(tzinfo=UTC) - ahead


def _counted(text: str, zone: str) -> datetime | None:
    number = float(text)
    digits = text.partition(".")[0]
    if number == int(number) and len(digits) in COMPACT and "1900" <= digits[:4] <= "2100":
        try:
            return _in_zone(datetime.strptime(digits, COMPACT[len(digits)]), zone)  # noqa: DTZ007
        except ValueError:
            return None
    if number <= 0:
        return None
    for below, unit in ((1e11, 1_000_000), (1e14, 1_000), (1e17, 1)):
        if number < below:
            whole = round(number * unit) if "." in text else int(text) * unit
            return EPOCH + timedelta(microseconds=whole)
    return EPOCH + timedelta(microseconds=int(text) // 1_000)


def _in_zone(local: datetime, zone: str) -> datetime | None:
    there = local.replace(tzinfo=ZoneInfo(zone), fold=0)
    back = there.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return there.astimezone(UTC) if back == local else None


def _offset(named: str) -> timedelta | None:
    if named in ("Z", "UTC", "GMT"):
        return timedelta()
    digits = named[1:].replace(":", "").ljust(4, "0")
    if int(digits[:2]) > 14 or int(digits[2:]) > 59:
        return None
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return ahead if named[0] == "+" else -ahead


def _number(written: str | None, *, zero: bool, decimal: str = ".") -> float | None:
    text = _value(written) or ""
    if decimal == ",":
        groups = text.partition(",")[0].lstrip("+-").split(".")
        if any(len(group) != 3 for group in groups[1:]) or (len(groups) > 1 and len(groups[0]) > 3):
            return None
        text = text.replace(".", "").replace(",", ".")
    try:
        number = float(text)
    except ValueError:
        return None
    sound = math.isfinite(number) and (number >= 0 if zero else number > 0)
    return number if sound else None


def _clean(written: str | None) -> str | None:
    return (written or "").strip() or None


def _value(written: str | None) -> str | None:
    text = _clean(written)
    return None if text in MISSING else text


def _fault(row: Row, layout: Layout) -> str | None:
    name = _clean(row.get(layout.columns["event_type"]))
    if layout.events.get(name or "") == "ignore":
        return "ignored_event"
    if all(row.get(layout.columns[column]) is None for column in ("timestamp", "user_id", "item_id")):
        return "empty_row"
    at = moment(row.get(layout.columns["timestamp"]), layout.zone)
    if at is None:
        return "bad_time"
    if layout.events.get(name or "") not in CANONICAL_EVENTS:
        return "unknown_event"
    for column in ("user_id", "item_id"):
        if _value(row.get(layout.columns[column])) is None:
            return f"missing_{column}"
    return None if layout.earliest <= at < layout.latest else "out_of_range_time"


def _far(rows: Sequence[Row], layout: Layout) -> set[int]:
    """Return the positions of the sound rows that lie too far from the bulk of them."""
    days = {
        place: (moment(row[layout.columns["timestamp"]], layout.zone) - EPOCH).days
        for place, row in enumerate(rows)
        if _fault(row, layout) is None
    }
    if not days:
        return set()
    in_order, last = sorted(days.values()), len(days) - 1
    begins, ends = in_order[math.floor(0.01 * last)], in_order[math.ceil(0.99 * last)]
    distance = max(layout.outlier_distance, ends - begins)
    return {place for place, day in days.items() if not begins - distance <= day <= ends + distance}


def _check_numbers(sound: Sequence[tuple[int, Row]], layout: Layout) -> None:
    for column in ("price", "duration_seconds"):
        written = [row.get(layout.columns.get(column, "")) for _, row in sound]
        written = [text for text in written if _value(text) is not None]
        unread = [text for text in written if _number(text, zero=True, decimal=layout.decimal) is None]
        if 2 * len(unread) > len(written):
            raise MostlyUnreadable(column)


def read(rows: Sequence[Row], layout: Layout) -> Reading:
    """Return what must come of the rows of a log, in their order."""
    seen: set = set()
    far = _far(rows, layout)
    sound, rejected = [], []
    for event_id, row in enumerate(rows):
        whole = tuple(sorted((name, value) for name, value in row.items() if value is not None))
        fault = _fault(row, layout) or ("out_of_range_time" if event_id in far else None)
        fault = fault or ("duplicate" if whole in seen else None)
        if fault:
            rejected.append((event_id, fault))
            continue
        seen.add(whole)
        sound.append((event_id, row))
    _check_numbers(
        [(place, row) for place, row in enumerate(rows) if place not in far and not _fault(row, layout)], layout
    )
    whole_number = {
        column: all(_is_whole(_clean(row[layout.columns[column]])) for _, row in sound)
        for column in ("user_id", "item_id")
    }
    events, shelves = [], []
    for event_id, row in sound:
        ids = {
            column: int(text) if whole_number[column] else text
            for column in ("user_id", "item_id")
            if (text := _clean(row[layout.columns[column]]))
        }
        events.append(
            (
                event_id,
                ids["user_id"],
                moment(row[layout.columns["timestamp"]], layout.zone),
                layout.events[_clean(row[layout.columns["event_type"]])],
                ids["item_id"],
                _number(row.get(layout.columns.get("duration_seconds", "")), zero=True, decimal=layout.decimal),
                _number(row.get(layout.columns.get("price", "")), zero=False, decimal=layout.decimal),
            )
        )
        shelves.append(_value(row.get(layout.columns.get("category", ""))))
    kept = {name: _kept([_value(row.get(name)) for _, row in sound], layout.decimal) for name in layout.keep}
    return Reading(events, rejected, _catalog(events, shelves), _users(events), kept)


def _kept(texts: list[str | None], decimal: str) -> list:
    """Return Booleans, whole numbers or numbers where every text that is written is one, else the texts."""
    kinds = (
        (lambda text: text.lower() in ("true", "false"), lambda text: text.lower() == "true"),
        (_is_whole, int),
        (lambda text: _is_number(text, decimal), lambda text: _as_number(text, decimal)),
    )
    written = [text for text in texts if text is not None]
    for is_one, read_one in kinds:
        if written and all(is_one(text) for text in written):
            return [None if text is None else read_one(text) for text in texts]
    return texts


def _is_number(text: str, decimal: str) -> bool:
    return re.match(r"[+-]?0\d", text) is None and _as_number(text, decimal) is not None


def _as_number(text: str, decimal: str) -> float | None:
    sign = -1.0 if text.startswith("-") else 1.0
    size = _number(text.removeprefix("-"), zero=True, decimal=decimal)
    return None if size is None else sign * size


def _is_whole(text: str | None) -> bool:
    return re.fullmatch(r"0|-?[1-9]\d{0,17}", text or "") is not None


def _catalog(events: list[tuple], shelves: list[str | None]) -> dict:
    """Return item to [category, base price, created at], as first known."""
    catalog: dict = {}
    for event, shelf in sorted(zip(events, shelves, strict=True), key=lambda pair: (pair[0][2], pair[0][0])):
        known = catalog.setdefault(event[4], [None, None, event[2]])
        known[0] = known[0] if known[0] is not None else shelf
        known[1] = known[1] if known[1] is not None else event[6]
    return catalog


def _users(events: list[tuple]) -> dict:
    users: dict[object, date] = {}
    for event in events:
        users[event[1]] = min(users.get(event[1], date.max), event[2].date())
    return users
