"""A log with further files behind it: what they add, and the whole as if all files had been read at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest.catalog import CATEGORY_AT, PRICE_AT, derive_catalog, join_first_known, join_users
from purchase_pred.ingest.layout import ANEW, layout_of
from purchase_pred.ingest.log import canonical_log, read_source
from purchase_pred.ingest.profile import DAY, FINGERPRINT, fingerprint, profile_log
from purchase_pred.ingest.rows import REASON, canonical_rows, within
from purchase_pred.schema import (
    CATEGORY,
    CREATED_AT,
    EVENT_ID,
    EVENTS,
    ITEM_ID,
    REGISTRATION_DATE,
    TIMESTAMP,
    USER_ID,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from purchase_pred.ingest.layout import LogLayout
    from purchase_pred.ingest.log import CanonicalLog
    from purchase_pred.ingest.profile import LogProfile
    from purchase_pred.ingest.source import SourceLog
    from purchase_pred.settings.ingest import IngestSettings

_BATCH: Final = 1_000_000
"""Rows that may be known already and are compared at once; bounds the memory when a log is delivered again."""
_KNOWN: Final = ":known"
_COMPARED: Final = tuple(column for column in EVENTS if column != EVENT_ID)


@dataclass(frozen=True, eq=False)
class KnownLog:
    """What is held of a log that was read before; the frames as in `CanonicalLog`."""

    events: pl.LazyFrame
    rejected: pl.LazyFrame
    users: pl.LazyFrame
    items: pl.LazyFrame
    ledger: pl.LazyFrame
    rows: int
    layout: LogLayout


@dataclass(frozen=True, eq=False)
class AppendedLog:
    """What files add to a log, and what becomes of the frames that are not just continued."""

    added: CanonicalLog
    """The new files alone, but for `event_id`, which goes on after the last row of the known ones, and for the rows
    that are known, which are duplicates. Events, rejected rows and ledger are to be put behind the known ones."""
    users: pl.LazyFrame
    """The users of the whole log."""
    items: pl.LazyFrame
    """The items of the whole log, as its events show them."""
    layout: LogLayout
    known_again: int
    """How many sound rows of the new files are events that were known before."""
    late: int
    """How many of the events added are older than the newest one known."""
    changed_users: int
    """Users of whom a late event is older than another of theirs that was known: their history is another now."""
    earlier_users: int
    """Users of whom late events change when they were first seen."""
    earlier_items: int
    """Items of which late events change what was first known, or when they were first seen."""

    def catalog(self, items: pl.LazyFrame, /) -> pl.LazyFrame:
        """Return the catalog of the whole log, given its `items`."""
        shown = items.collect_schema()[CATEGORY]
        categories = {*(shown.categories if isinstance(shown, pl.Enum) else ()), *self.added.categories}
        return derive_catalog(items, categories=sorted(categories), known=self.added.listed)


def append_log(
    known: KnownLog,
    paths: Sequence[str | Path],
    /,
    *,
    log_format: str,
    catalog: Sequence[str | Path] = (),
    settings: IngestSettings,
) -> AppendedLog:
    """Read files that are to be put behind a log, of the same format and with the same settings.

    With them behind, events, rejected rows, catalog and users are those that `read_log` returns of all files in this
    order, with the product list that is given now: rows that equal a known event in every column of the source are
    duplicates, and how far a time is from all others is judged over the whole.

    Raises
    ------
    InputError
        As `read_log`; or the whole cannot be had by adding to what is known: identifiers were numbers and are none any
        more, the files are of another layout, or over the whole log known rows would be judged in another way.
    """
    source = read_source(paths, log_format=log_format, catalog=catalog, settings=settings)
    layout = known.layout.joined(layout_of(source))
    rows = canonical_rows(source, settings=settings)
    days = known.ledger.select(DAY).collect()[DAY]
    profile = profile_log(source, rows, settings=settings, known_days=days)
    _check_judged_alike(known, profile.period)
    rows = within(rows, profile.period)
    _check_identifiers(known, rows, profile)
    again = _known_again(known, rows, profile)
    dtypes = known.events.collect_schema()
    _check_kept(known, source, rows, profile)
    profile = replace(
        profile,
        whole_numbers={column: dtypes[column] != pl.String for column in profile.whole_numbers},
        kept={name: dtypes[name] for name in profile.kept},
        duplicates=pl.concat([profile.duplicates, again]).unique().sort(),
    )
    added = canonical_log(source, rows, profile, decimal=settings.decimal)
    return _appended(known, _behind(added, known.rows), layout, again)


def _behind(log: CanonicalLog, rows: int) -> CanonicalLog:
    """Return a log whose rows stand behind so many others; what is per user or item is held in memory from now on."""
    moved = pl.col(EVENT_ID) + pl.lit(rows, pl.UInt64)
    return replace(
        log,
        events=log.events.with_columns(moved),
        rejected=log.rejected.with_columns(moved),
        ledger=log.ledger.with_columns(moved),
        users=log.users.collect().lazy(),
        items=log.items.collect().lazy(),
    )


def _appended(known: KnownLog, added: CanonicalLog, layout: LogLayout, again: pl.Series) -> AppendedLog:
    shown = [frame.collect_schema()[CATEGORY] for frame in (known.items, added.items)]
    categories = sorted({one for dtype in shown if isinstance(dtype, pl.Enum) for one in dtype.categories})
    newest = known.events.select(pl.col(TIMESTAMP).max()).collect().item()
    users = added.users.join(known.users, on=USER_ID, suffix=_KNOWN)
    before = added.items.with_columns(pl.col(CATEGORY_AT, PRICE_AT) + known.rows)
    items = before.join(known.items, on=ITEM_ID, suffix=_KNOWN)
    late = _count(added.events, pl.col(TIMESTAMP) < newest)
    return AppendedLog(
        added=added,
        users=join_users(known.users, added.users),
        items=join_first_known(known.items, added.items, categories=categories, rows=known.rows),
        layout=layout,
        known_again=len(again),
        late=late,
        changed_users=_changed_users(known, added) if late else 0,
        earlier_users=_count(users, _is_earlier(REGISTRATION_DATE)),
        earlier_items=_count(items, pl.any_horizontal(map(_is_earlier, (CREATED_AT, CATEGORY_AT, PRICE_AT)))),
    )


def _changed_users(known: KnownLog, added: CanonicalLog) -> int:
    firsts = added.events.group_by(USER_ID).agg(pl.col(TIMESTAMP).min()).collect().lazy()
    theirs = known.events.join(firsts, on=USER_ID, how="semi").group_by(USER_ID).agg(pl.col(TIMESTAMP).max())
    return _count(firsts.join(theirs, on=USER_ID, suffix=_KNOWN), _is_earlier(TIMESTAMP))


def _is_earlier(column: str) -> pl.Expr:
    return (pl.col(column) < pl.col(f"{column}{_KNOWN}")).fill_null(value=False)


def _count(rows: pl.LazyFrame, condition: pl.Expr) -> int:
    return int(rows.select(condition.sum()).collect().item() or 0)


def _known_again(known: KnownLog, rows: pl.LazyFrame, profile: LogProfile) -> pl.Series:
    """Return the rows that equal a known event: of the same fingerprint, and the same in all of our columns."""
    none = pl.Series(EVENT_ID, [], pl.UInt64)
    if FINGERPRINT not in profile.ledger.columns:
        return none
    prints = profile.ledger.lazy().select(FINGERPRINT).unique()
    alike = known.ledger.select(EVENT_ID, FINGERPRINT).join(prints, on=FINGERPRINT, how="semi").collect()
    alike = alike.sort(FINGERPRINT)
    dtypes = known.events.collect_schema()
    written = rows.filter(pl.col(REASON).is_null()).select(
        EVENT_ID,
        *(pl.col(column).cast(dtypes[column]) if column in (USER_ID, ITEM_ID) else column for column in _COMPARED),
        fingerprint(rows),
    )
    found = [none]
    for start in range(0, alike.height, _BATCH):
        batch = alike.slice(start, _BATCH).lazy()
        events = known.events.join(batch, on=EVENT_ID)
        candidates = written.join(batch, on=FINGERPRINT, how="semi")
        equal = candidates.join(events, on=[FINGERPRINT, *_COMPARED], how="semi", nulls_equal=True)
        found.append(equal.select(EVENT_ID).collect()[EVENT_ID])
    return pl.concat(found).unique()


def _check_identifiers(known: KnownLog, rows: pl.LazyFrame, profile: LogProfile) -> None:
    dtypes = known.events.collect_schema()
    for column, is_whole in profile.whole_numbers.items():
        if dtypes[column] != pl.String and not is_whole:
            sound = rows.filter(pl.col(REASON).is_null())
            text = pl.col(column).cast(pl.String)
            odd = text.cast(pl.Int64, strict=False).cast(pl.String).ne_missing(text)
            shown = sound.filter(odd).select(text.unique().sort().head(3)).collect()[column]
            raise InputError(
                f"{column} is {dtypes[column]} in the log, and what is to be added has text there "
                f"({', '.join(map(repr, shown))}), which would make it text in every event; mend the file, or {ANEW}"
            )


def _check_kept(known: KnownLog, source: SourceLog, rows: pl.LazyFrame, profile: LogProfile) -> None:
    """Raise if a column to keep is no longer where it was, or would be of another dtype in the whole."""
    dtypes = {name: dtype for name, dtype in known.events.collect_schema().items() if name not in EVENTS}
    moved = sorted(dtypes.keys() ^ profile.kept.keys())
    if moved:
        raise InputError(f"column {moved[0]!r} is kept of the log or of the product list, and was of the other; {ANEW}")
    sound = rows.filter(pl.col(REASON).is_null())
    for name, dtype in profile.kept.items():
        wider = dtypes[name] == pl.Float64 and dtype == pl.Int64
        if dtype == dtypes[name] or wider:
            continue
        held = dtypes[name] == pl.String and _count(known.events, pl.col(name).is_not_null())
        if held or not _count(sound, source.kept[name].is_not_null()):
            continue
        raise InputError(f"column {name!r} is {dtypes[name]} in the log and {dtype} in what is to be added; {ANEW}")


def _check_judged_alike(known: KnownLog, period: tuple[date, date] | None) -> None:
    """Raise if a known event is too far from all others by now, or a row that was too far is no longer."""
    outside = ~pl.col(DAY).is_between(*period, closed="left") if period else pl.lit(value=False)
    too_far = known.rejected.filter(pl.col(REASON) == "out_of_range_time").select(EVENT_ID)
    now = known.ledger.filter(outside).select(EVENT_ID).collect()
    before = known.ledger.join(too_far, on=EVENT_ID, how="semi").select(EVENT_ID).collect()
    changed = now.join(before, on=EVENT_ID, how="anti").height + before.join(now, on=EVENT_ID, how="anti").height
    if changed:
        raise InputError(
            f"{changed:,} known rows would be judged anew by ingest.outlier_distance, as the bulk of the events has "
            f"moved; {ANEW}"
        )
