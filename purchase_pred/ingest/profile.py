"""The one look at a whole log before it is read: what cannot be known from its head alone.

The dtypes of lazy frames must be known before they are run, so four facts have to be looked up: whether every
identifier is a whole number, which categories there are, when the bulk of the events was, and which rows are
duplicates. They are gathered in streaming passes, one after another (run together they would keep the whole log in
memory), that keep 17 bytes per row. What later deliveries must know of the rows is kept as
the ledger, 20 bytes of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import EmptyLogError
from purchase_pred.ingest.files import name_files, readable
from purchase_pred.ingest.kept import kept_dtype, kept_schema, undecided, value_facts
from purchase_pred.ingest.numbers import check_numbers
from purchase_pred.ingest.rows import (
    DURATION_UNREAD,
    DURATION_WRITTEN,
    EVENT_NAME,
    PRICE_UNREAD,
    PRICE_WRITTEN,
    REASON,
    within,
)
from purchase_pred.ingest.source import PREFIX, as_text
from purchase_pred.ingest.times import TIME_AMBIGUOUS, TIME_NAIVE
from purchase_pred.schema import CATEGORY, DURATION, EVENT_ID, ITEM_ID, PRICE, TIMESTAMP, USER_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.ingest.source import SourceLog
    from purchase_pred.settings.ingest import IngestSettings

_EXAMPLES: Final = 5
FINGERPRINT: Final = "fingerprint"
DAY: Final = "day"
_BATCH: Final = 250_000
"""Repeated rows that are compared in full at once; bounds the memory when a log is given twice."""
_TAKEN_FOR_GRANTED: Final = (TIME_NAIVE, TIME_AMBIGUOUS, PRICE_UNREAD, DURATION_UNREAD)
_NUMBERS: Final = ((PRICE, PRICE_WRITTEN, PRICE_UNREAD), (DURATION, DURATION_WRITTEN, DURATION_UNREAD))
_COUNTED: Final = (*_TAKEN_FOR_GRANTED, PRICE_WRITTEN, DURATION_WRITTEN)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_BULK: Final = 0.01
"""Share of the events before the bulk of them, and after it."""


@dataclass(frozen=True, eq=False)
class LogProfile:
    """What a look at the whole log tells."""

    rows: int
    """Rows of the source, sound or not."""
    whole_numbers: Mapping[str, bool]
    """`user_id` and `item_id`: whether every one of the sound rows is a whole number, written as such."""
    kept: Mapping[str, pl.DataType]
    """The dtypes of the columns to keep."""
    categories: tuple[str, ...]
    """The distinct categories of the sound rows, sorted."""
    listed_categories: tuple[str, ...]
    """The distinct categories that stand outside the rows, sorted."""
    period: tuple[date, date] | None
    """The first day, and the day after the last, that lie near enough to the bulk of the events; None: all do."""
    duplicates: pl.Series
    """`event_id` of every row that an earlier row equals in all columns of the source, sorted."""
    examples: Mapping[str, tuple[str, ...]]
    """For "unknown_event", "bad_time" and "out_of_range_time": the most frequent texts."""
    warnings: tuple[str, ...]
    """What was taken for granted, in sentences."""
    ledger: pl.DataFrame
    """What rows that are added later are compared with: see `CanonicalLog.ledger`."""


def profile_log(
    log: SourceLog, rows: pl.LazyFrame, /, *, settings: IngestSettings, known_days: pl.Series | None = None
) -> LogProfile:
    """Look at the whole log once, and at its repeated rows a second time.

    Parameters
    ----------
    log
        The source.
    rows
        `canonical_rows` of it.
    settings
        Say whether duplicates are looked for.
    known_days
        `day` of the ledger of the log that this one is added to: they belong to the bulk of the events.

    Raises
    ------
    InputError
        A file cannot be read to its end, the log has no rows, or most prices or durations cannot be read.
    """
    with readable(log.files):
        facts = _facts(log, rows, settings).collect()
        if facts.is_empty():
            raise EmptyLogError(
                f"{name_files(log.files)}: the log has columns but no rows; nothing can be read from it"
            )
        days = facts[DAY] if known_days is None else pl.concat([known_days, facts[DAY]])
        period = _period(days, settings)
        rows, sound = within(rows, period), _sound(facts, period)
        counted = {name: int(sound[name].sum()) for name in _COUNTED}
        _check_numbers(log, rows, counted, settings)
        reasons = {*facts[REASON].unique().drop_nulls(), *(["out_of_range_time"] if period else [])}
        return LogProfile(
            rows=facts.height,
            whole_numbers={column: bool(sound[column].all()) for column in (USER_ID, ITEM_ID)},
            kept=_kept_dtypes(log, sound),
            categories=_categories(sound),
            listed_categories=_listed_categories(log),
            period=period,
            duplicates=_duplicates(rows, facts),
            examples=_examples(log, rows, reasons=reasons),
            warnings=(*log.warnings, *_warnings(counted, settings)),
            ledger=_ledger(facts),
        )


def fingerprint(rows: pl.LazyFrame, /) -> pl.Expr:
    """Return the fingerprint of a row's source columns, UInt64: that of its texts, whatever else is a column and null.

    So it is the same in a file that has further columns, or has them in another order.
    """
    schema = rows.collect_schema()
    prints = []
    for name, dtype in schema.items():
        if name.startswith(PREFIX):
            seed = int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
            text = as_text(pl.col(name), dtype, name)
            prints.append(pl.when(pl.col(name).is_not_null()).then(text.hash(seed)).otherwise(0))
    return _xor(prints).cast(pl.UInt64).alias(FINGERPRINT)


def _xor(prints: list[pl.Expr]) -> pl.Expr:
    """Return the exclusive or of all, as a tree of little depth: Polars takes the square of the depth to plan it."""
    half = len(prints) // 2
    return _xor(prints[:half]) ^ _xor(prints[half:]) if half else prints[0]


def marked_columns(rows: pl.LazyFrame, /) -> list[str]:
    """Return the columns of the source."""
    return [name for name in rows.collect_schema() if name.startswith(PREFIX)]


def _facts(log: SourceLog, rows: pl.LazyFrame, settings: IngestSettings) -> pl.LazyFrame:
    """Return what has to be known of each row: its reason, what was taken for granted, and its fingerprint."""
    sound = pl.col(REASON).is_null()
    schema = rows.collect_schema()
    facts = [
        pl.col(REASON),
        pl.when(sound).then(pl.col(TIMESTAMP)).dt.date().alias(DAY),
        *((_whole(column, schema[column]) | ~sound).alias(column) for column in (USER_ID, ITEM_ID)),
        *((pl.col(name) & sound).alias(name) for name in _COUNTED),
    ]
    for name in undecided(log):
        facts += value_facts(name, log.kept[name], sound=sound, decimal=settings.decimal)
    if CATEGORY in log.columns:
        facts.append(pl.when(sound).then(pl.col(CATEGORY)).cast(pl.Categorical))
    if settings.duplicates == "drop":
        facts.append(fingerprint(rows))
    return rows.select(facts)


def _period(days: pl.Series, settings: IngestSettings) -> tuple[date, date] | None:
    """Return the days that lie near enough to the bulk of the events; None: every event does."""
    first, last = days.min(), days.max()
    if settings.outlier_distance is None or not isinstance(first, date) or not isinstance(last, date):
        return None
    numbers = days.to_physical()
    begins = int(numbers.quantile(_BULK, "lower") or 0)  # of fewer than 100 events all are the bulk
    ends = int(numbers.quantile(1 - _BULK, "higher") or 0)
    distance = max(-(-settings.outlier_distance // timedelta(days=1)), ends - begins)
    earliest = max(_EPOCH + begins - distance, date.min.toordinal())
    latest = min(_EPOCH + ends + distance + 1, date.max.toordinal())
    period = date.fromordinal(earliest), date.fromordinal(latest)
    return period if first < period[0] or last >= period[1] else None


def _sound(facts: pl.DataFrame, period: tuple[date, date] | None) -> pl.DataFrame:
    near = pl.col(DAY).is_between(*period, closed="left") if period else pl.lit(value=True)
    return facts.filter(pl.col(REASON).is_null() & near)


def _check_numbers(log: SourceLog, rows: pl.LazyFrame, counted: Mapping[str, int], settings: IngestSettings) -> None:
    for column, written, unread in _NUMBERS:
        if 2 * counted[unread] <= counted[written]:
            continue
        shown = log.columns[column]
        check_numbers(
            column,
            named=", ".join(name.removeprefix(PREFIX) for name in shown.meta.root_names()),
            option="--map",
            written=counted[written],
            unread=counted[unread],
            examples=_most_frequent(rows.filter(pl.col(REASON).is_null() & pl.col(unread)), shown.cast(pl.String)),
            decimal=settings.decimal,
        )


def _ledger(facts: pl.DataFrame) -> pl.DataFrame:
    kept = [name for name in (DAY, FINGERPRINT) if name in facts.columns]
    numbered = facts.lazy().with_row_index(EVENT_ID).filter(pl.col(REASON).is_null())
    return numbered.select(pl.col(EVENT_ID).cast(pl.UInt64), *kept).collect()


def _whole(column: str, dtype: pl.DataType) -> pl.Expr:
    if dtype.is_integer():
        return pl.lit(value=True)
    back = pl.col(column).cast(pl.Int64, strict=False).cast(pl.String)
    return (back == pl.col(column)).fill_null(value=False)  # "007" and "+7" would not come back as they went


def _kept_dtypes(log: SourceLog, sound: pl.DataFrame) -> dict[str, pl.DataType]:
    return dict(kept_schema(log)) | {name: kept_dtype(name, sound) for name in undecided(log)}


def _categories(facts: pl.DataFrame) -> tuple[str, ...]:
    found = facts[CATEGORY].unique().cast(pl.String).drop_nulls() if CATEGORY in facts.columns else ()
    return tuple(sorted(found))


def _listed_categories(log: SourceLog) -> tuple[str, ...]:
    if log.categories is None:
        return ()
    return tuple(sorted(log.categories.select(pl.col(CATEGORY).unique()).collect().to_series().drop_nulls()))


def _examples(log: SourceLog, rows: pl.LazyFrame, *, reasons: set[str]) -> dict[str, tuple[str, ...]]:
    """Return the most frequent texts of unknown events, and of times that are none or out of range."""
    dtype = rows.select(log.columns[TIMESTAMP].alias(TIMESTAMP)).collect_schema()[TIMESTAMP]
    time = as_text(log.columns[TIMESTAMP], dtype, TIMESTAMP)
    written = {"unknown_event": pl.col(EVENT_NAME), "bad_time": time, "out_of_range_time": time}
    return {
        reason: _most_frequent(rows.filter(pl.col(REASON) == reason), text)
        for reason, text in written.items()
        if reason in reasons
    }


def _most_frequent(rows: pl.LazyFrame, text: pl.Expr) -> tuple[str, ...]:
    """Return the most frequent texts, ties by name."""
    counted = rows.select(text.fill_null("nothing").alias("text")).group_by("text").len()
    return tuple(counted.sort(["len", "text"], descending=[True, False]).head(_EXAMPLES).collect()["text"])


def _duplicates(rows: pl.LazyFrame, facts: pl.DataFrame) -> pl.Series:
    """Return the rows that equal an earlier one: those of repeated fingerprints, compared in full, batch by batch."""
    none = pl.Series(EVENT_ID, [], pl.UInt64)
    if FINGERPRINT not in facts.columns:
        return none
    prints = facts[FINGERPRINT]
    in_order = prints.sort()
    repeated = in_order.filter(in_order == in_order.shift(1)).unique()
    if repeated.is_empty():
        return none
    columns = marked_columns(rows)
    firsts = [
        rows.select(EVENT_ID, *columns, fingerprint(rows))
        .join(repeated.slice(start, _BATCH).to_frame().lazy(), on=FINGERPRINT, how="semi")
        .group_by(columns)
        .agg(pl.col(EVENT_ID).min())
        .select(EVENT_ID)
        .collect()
        for start in range(0, len(repeated), _BATCH)
    ]
    suspects = facts.lazy().select(FINGERPRINT).with_row_index(EVENT_ID).cast({EVENT_ID: pl.UInt64})
    again = suspects.join(repeated.to_frame().lazy(), on=FINGERPRINT, how="semi")
    return again.join(pl.concat(firsts).lazy(), on=EVENT_ID, how="anti").collect()[EVENT_ID].sort()


def _warnings(counted: Mapping[str, int], settings: IngestSettings) -> list[str]:
    zone = settings.timezone or "UTC"
    sentences = {
        TIME_NAIVE: "times name no time zone and were taken as UTC; --timezone (ingest.timezone) names another",
        TIME_AMBIGUOUS: f"local times exist twice in {zone}, as clocks went back; the earlier moment was taken",
        PRICE_UNREAD: "prices are no numbers of 0 or more and were taken as not shown",
        DURATION_UNREAD: "durations are no numbers of 0 or more and were taken as unknown",
    }
    if settings.timezone is not None:
        del sentences[TIME_NAIVE]
    return [f"{counted[fact]:,} {sentence}" for fact, sentence in sentences.items() if counted[fact]]
