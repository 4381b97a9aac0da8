"""The one look at a whole log before it is read: what cannot be known from its head alone.

The dtypes of lazy frames must be known before they are run, so three facts have to be looked up: whether every
identifier is a whole number, which categories there are, and which rows are duplicates. They are gathered in streaming
passes that keep a few numbers, the distinct categories, and 8 bytes per row to find the duplicates.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest.files import first_line
from purchase_pred.ingest.rows import (
    DURATION_UNREAD,
    EVENT_NAME,
    PRICE_UNREAD,
    REASON,
    TIME_AMBIGUOUS,
    TIME_NAIVE,
)
from purchase_pred.ingest.source import PREFIX
from purchase_pred.schema import CATEGORY, EVENT_ID, ITEM_ID, TIMESTAMP, USER_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from purchase_pred.ingest.source import SourceLog
    from purchase_pred.settings.ingest import IngestSettings

_EXAMPLES: Final = 5
_FINGERPRINT: Final = "fingerprint"


@dataclass(frozen=True, eq=False)
class LogProfile:
    """What a look at the whole log tells."""

    rows: int
    """Rows of the source, sound or not."""
    whole_numbers: Mapping[str, bool]
    """`user_id` and `item_id`: whether every one of the sound rows is a whole number, written as such."""
    categories: tuple[str, ...]
    """The distinct categories of the sound rows, sorted."""
    duplicates: pl.Series
    """`event_id` of every row that an earlier row equals in all columns of the source, sorted."""
    examples: Mapping[str, tuple[str, ...]]
    """For "unknown_event" and "bad_time": the most frequent texts that could not be read."""
    warnings: tuple[str, ...]
    """What was taken for granted, in sentences."""


def profile_log(log: SourceLog, rows: pl.LazyFrame, /, *, settings: IngestSettings) -> LogProfile:
    """Look at the whole log once, and at its repeated rows a second time.

    Parameters
    ----------
    log
        The source.
    rows
        `canonical_rows` of it.
    settings
        Say whether duplicates are looked for.

    Raises
    ------
    InputError
        A file cannot be read to its end, or the log has no rows.
    """
    marked = [name for name in log.rows.collect_schema() if name.startswith(PREFIX)]
    fingerprint = pl.struct(marked).hash().alias(_FINGERPRINT)
    plans = [_facts(rows), _categories(log, rows), *_examples(log, rows)]
    if settings.duplicates == "drop":
        plans.append(rows.select(fingerprint).sort(_FINGERPRINT))
    with readable(log.files):
        facts, categories, events, times, *fingerprints = pl.collect_all(plans)
        counted = facts.row(0, named=True)
        if not counted["rows"]:
            raise InputError(f"{_named(log.files)}: the log has columns but no rows; nothing can be read from it")
        duplicates = _duplicates(rows, marked, fingerprint, fingerprints)
    return LogProfile(
        rows=counted["rows"],
        whole_numbers={USER_ID: counted[USER_ID], ITEM_ID: counted[ITEM_ID]},
        categories=tuple(categories.to_series()),
        duplicates=duplicates,
        examples={"unknown_event": tuple(events.to_series()), "bad_time": tuple(times.to_series())},
        warnings=(*log.warnings, *_warnings(counted, settings)),
    )


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
        raise InputError(
            f"{_named(files)}: the log cannot be read to its end ({first_line(error)}); {_cure(str(error))}"
        ) from error


def _facts(rows: pl.LazyFrame) -> pl.LazyFrame:
    sound = pl.col(REASON).is_null()
    schema = rows.collect_schema()
    return rows.select(
        pl.len().alias("rows"),
        *((_whole(column, schema[column]) | ~sound).all().alias(column) for column in (USER_ID, ITEM_ID)),
        *(
            (pl.col(column) & sound).sum().alias(column)
            for column in (TIME_NAIVE, TIME_AMBIGUOUS, PRICE_UNREAD, DURATION_UNREAD)
        ),
    )


def _whole(column: str, dtype: pl.DataType) -> pl.Expr:
    if dtype.is_integer():
        return pl.lit(value=True)
    back = pl.col(column).cast(pl.Int64, strict=False).cast(pl.String)
    return (back == pl.col(column)).fill_null(value=False)  # "007" and "+7" would not come back as they went


def _categories(log: SourceLog, rows: pl.LazyFrame) -> pl.LazyFrame:
    known = rows.filter(pl.col(REASON).is_null()) if log.categories is None else log.categories
    return known.select(CATEGORY).drop_nulls().unique().sort(CATEGORY)


def _examples(log: SourceLog, rows: pl.LazyFrame) -> list[pl.LazyFrame]:
    """Return the most frequent texts of unknown events and of bad times, ties by name."""
    written = {"unknown_event": pl.col(EVENT_NAME), "bad_time": log.columns[TIMESTAMP].cast(pl.String)}
    return [
        rows.filter(pl.col(REASON) == reason)
        .select(text.fill_null("nothing").alias("text"))
        .group_by("text")
        .len()
        .sort(["len", "text"], descending=[True, False])
        .select("text")
        .head(_EXAMPLES)
        for reason, text in written.items()
    ]


def _duplicates(
    rows: pl.LazyFrame, columns: list[str], fingerprint: pl.Expr, fingerprints: list[pl.DataFrame]
) -> pl.Series:
    """Return the rows that equal an earlier one: those of repeated fingerprints, compared in full."""
    none = pl.Series(EVENT_ID, [], pl.UInt64)
    if not fingerprints:
        return none
    sorted_prints = fingerprints[0].to_series()
    repeated = sorted_prints.filter(sorted_prints == sorted_prints.shift(1)).unique()
    if repeated.is_empty():
        return none
    suspects = (
        rows.select(EVENT_ID, *columns, fingerprint)
        .join(repeated.to_frame().lazy(), on=_FINGERPRINT, how="semi")
        .collect()
        .sort(EVENT_ID)
    )
    return suspects.filter(~pl.struct(columns).is_first_distinct())[EVENT_ID]


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


def _named(files: Sequence[Path]) -> str:
    return ", ".join(map(str, files[:3])) + (f" and {len(files) - 3:,} more" if len(files) > 3 else "")  # noqa: PLR2004


def _cure(message: str) -> str:
    if "utf-8" in message.lower():
        return "convert it to UTF-8 (iconv -f LATIN1 -t UTF-8)"
    if "could not parse" in message:
        return "a quotation mark may be left open; mend or remove that line"
    if "error parsing" in message or "cannot parse" in message:
        return "one JSON object per line is required; mend or remove the line"
    return "fetch or write the file again"
