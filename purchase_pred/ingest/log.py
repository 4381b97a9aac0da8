"""A real log of a known format, as canonical events, catalog and users, and the rows that had to be rejected."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl
from pydantic import ValidationError

from purchase_pred.errors import ConfigError, InputError
from purchase_pred.ingest.catalog import derive_catalog, derive_users, first_known
from purchase_pred.ingest.files import inspect_file
from purchase_pred.ingest.formats import cdnow, otto, rees46, retailrocket, table, yoochoose
from purchase_pred.ingest.kept import (
    check_flat,
    check_kept_names,
    kept_column,
    kept_schema,
    missing_column,
    typed_values,
)
from purchase_pred.ingest.layout import LogLayout, layout_of, plain_names
from purchase_pred.ingest.paths import expand_paths
from purchase_pred.ingest.products import add_products, read_products
from purchase_pred.ingest.profile import LogProfile, profile_log
from purchase_pred.ingest.rows import REASON, REASON_DTYPE, canonical_rows, within
from purchase_pred.ingest.source import EXTRA_FIELD, PREFIX, SourceLog, as_text, source
from purchase_pred.likeness import did_you_mean
from purchase_pred.schema import CATEGORY, EVENT_ID, EVENTS, ITEM_ID
from purchase_pred.settings.ingest import IngestSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from purchase_pred.ingest.files import LogFile

_READERS: Final[Mapping[str, Callable[[Sequence[LogFile], IngestSettings], SourceLog]]] = {
    "table": table.read,
    "rees46": rees46.read,
    "otto": otto.read,
    "cdnow": cdnow.read,
    "retailrocket": retailrocket.read,
    "yoochoose": yoochoose.read,
}
LOG_FORMATS: Final = tuple(_READERS)
"""The names of the formats."""


@dataclass(frozen=True, eq=False)
class CanonicalLog:
    """A log in the shape that the stages read; every frame is lazy and reads the source anew."""

    events: pl.LazyFrame
    """The sound rows, in the order of the source, in the columns of `schema.EVENTS` and those to keep. `event_id` is
    the position of the row in the source, from 0, over all files in the order given, rejected rows counted. `user_id`
    and `item_id` are Int64 where the source has nothing but whole numbers (an integer column of Parquet keeps its
    dtype), else String."""
    rejected: pl.LazyFrame
    """The other rows, in the order of the source: `event_id`, `reason` (Enum, see `REASONS`), then every column of
    the source as text. A source column named like one of these two is called ``source_...``."""
    described: pl.LazyFrame
    """The events and, behind them, the `category` that each shows of its item, String."""
    catalog: pl.LazyFrame
    """One row per item of `events`, as first known, sorted by `item_id`; see `derive_catalog`."""
    users: pl.LazyFrame
    """One row per user of `events`, sorted by `user_id`: `registration_date`, the date first seen."""
    rows: int
    """Rows of the source, sound or not: the rows of `events` and of `rejected` together."""
    warnings: tuple[str, ...]
    """What was taken for granted, in sentences, such as the zone of times that name none."""
    examples: Mapping[str, tuple[str, ...]]
    """For "unknown_event", "bad_time" and "out_of_range_time": the most frequent texts; for `check_rejected`."""
    items: pl.LazyFrame
    """One row per item of `events`, sorted by `item_id`: what the events alone first show of it; see `first_known`."""
    ledger: pl.LazyFrame
    """What rows that are added later are compared with: of each row of the source that is sound, or would be but for
    another that it repeats or for the distance of its time, `event_id`, `day` (Date, UTC), and, where duplicates are
    looked for, `fingerprint` UInt64 of its source columns. Held in memory, 20 bytes per row."""
    layout: LogLayout
    """What the source looks like."""
    categories: tuple[str, ...]
    """The categories of the Enum in `catalog`, sorted."""
    shown_categories: tuple[str, ...]
    """Those of them that events show, sorted."""
    listed: pl.LazyFrame | None = None
    """What a product list, or a format's own files, know besides the events: `item_id` in the dtype of `events`,
    `category` String, and of a product list `base_price`."""

    def held(self, described: pl.LazyFrame, /) -> CanonicalLog:
        """Return the same log, but for events, users and items that read what was written of `described`."""
        return replace(
            self,
            described=described,
            events=described.drop(CATEGORY),
            users=derive_users(described),
            items=first_known(described, categories=self.shown_categories),
        )


def read_log(
    paths: str | Path | Sequence[str | Path],
    /,
    *,
    format: str = "table",  # noqa: A002  (what it is called on the command line)
    columns: Mapping[str, str] | None = None,
    events: Mapping[str, str | Sequence[str]] | None = None,
    timezone: str | None = None,
    keep: Sequence[str] | Mapping[str, str] = (),
    keep_as_text: Sequence[str] | Mapping[str, str] = (),
    catalog: Sequence[str | Path] = (),
    settings: IngestSettings | None = None,
) -> CanonicalLog:
    """Read a real log as canonical events, catalog and users.

    Parameters
    ----------
    paths
        Files and globs; their order is the order of the rows, the files of one glob by name. CSV, NDJSON and Parquet
        are told apart by content; text may be compressed with gzip.
    format
        One of `LOG_FORMATS`.
    columns, events
        The log's column by our name, and the log's events by our name: ``{"timestamp": "ts"}``,
        ``{"purchase": ["order", "buy"]}``; they go before the format's own.
    timezone
        Zone of times that are written without one.
    keep, keep_as_text
        Columns to keep, of the log or, where it has none such, of the product list: by name, as ``"brand=Marke"``, or
        as a mapping of the names they get to their own. Text is Boolean, Int64 or Float64 where every value that is
        written is one, else String; other dtypes stay. Those of `keep_as_text` are String in any case.
    catalog
        Files and globs of a product list, whose categories and list prices go before what the events show; see
        `read_products`.
    settings
        Everything else of the section `ingest`, such as ``load_settings("mine.yaml").ingest``; None: the defaults.
        What the other parameters say goes before it.

    Returns
    -------
    CanonicalLog
        Lazy frames. The log is looked at as a whole once, or twice if rows repeat (see `profile`), which keeps
        8 bytes per row in memory; nothing else of it is held.

    Raises
    ------
    ConfigError
        `columns`, `events`, `timezone`, `keep` or `keep_as_text` hold a name that is none, or that is one of ours.
    InputError
        An unknown format; a missing, empty or unreadable file; a missing column, with the columns found and the
        nearest; a column of prices or durations of which most cannot be read; a log without rows.

    Notes
    -----
    A row is rejected for the first of these reasons that applies: "ignored_event" (the user asked for it),
    "empty_row" (no time, user or item is written), "extra_fields" (more fields than the header), "bad_time",
    "unknown_event", "missing_user_id", "missing_item_id", "out_of_range_time" (before `settings.earliest`, not before
    `settings.latest`, or further from the bulk of the times than `settings.outlier_distance`), "duplicate" (an earlier
    row equals it in every column of the source).
    """
    named: dict[str, Any] = {
        "columns": columns,
        "events": events,
        "timezone": timezone,
        "keep": keep,
        "keep_as_text": keep_as_text,
    }
    chosen = _with_names(settings or IngestSettings(), {key: value for key, value in named.items() if value})
    log = read_source(paths, log_format=format, catalog=catalog, settings=chosen)
    rows = canonical_rows(log, settings=chosen)
    profile = profile_log(log, rows, settings=chosen)
    return canonical_log(log, within(rows, profile.period), profile, decimal=chosen.decimal)


def read_source(
    paths: str | Path | Sequence[str | Path],
    /,
    *,
    log_format: str,
    catalog: Sequence[str | Path],
    settings: IngestSettings,
) -> SourceLog:
    """Return the rows of a log as they stand in its files, with a product list, as `read_log` is given them.

    Raises
    ------
    InputError
        As `read_log`, for all that the heads of the files tell.
    """
    reader = _READERS.get(log_format)
    if reader is None:
        near = did_you_mean(log_format, LOG_FORMATS)
        raise InputError(f"log format {log_format!r} is unknown{near} (known: {', '.join(LOG_FORMATS)})")
    files = [inspect_file(path) for path in expand_paths([paths] if isinstance(paths, str | Path) else paths)]
    check_kept_names(settings.kept)
    log = _with_kept(reader(files, settings), files, settings)
    lacking = {ours: theirs for ours, theirs in settings.kept.items() if ours not in log.kept}
    if catalog:
        products = read_products(catalog, settings=settings, keep=lacking, log_columns=_columns(log))
        log = replace(log, categories=add_products(products, log.categories))
    elif lacking:
        raise missing_column(next(iter(lacking.values())), {"the log": _columns(log)})
    return replace(log, kinds=tuple(sorted({file.kind for file in files})))


def canonical_log(
    log: SourceLog, rows: pl.LazyFrame, profile: LogProfile, /, *, decimal: Literal[".", ","]
) -> CanonicalLog:
    """Return a log of which everything has been looked up; `rows` know the period of the profile."""
    whole = [column for column, is_whole in profile.whole_numbers.items() if is_whole]
    strings = [column for column in whole if rows.collect_schema()[column] == pl.String]
    numbered = [pl.col(column).cast(pl.Int64) for column in strings]
    repeated = profile.duplicates.to_frame().lazy()
    sound = rows.filter(pl.col(REASON).is_null()).join(repeated, on=EVENT_ID, how="anti", maintain_order="left")
    found = kept_schema(log)
    kept = [
        typed_values(log.kept[name], found[name], dtype, decimal=decimal).alias(name)
        for name, dtype in profile.kept.items()
    ]
    described = sound.select(*EVENTS, *kept, CATEGORY).with_columns(numbered)
    listed = _listed(log, described.collect_schema()[ITEM_ID])
    categories = tuple(sorted({*profile.categories, *profile.listed_categories}))
    items = first_known(described, categories=profile.categories)
    return CanonicalLog(
        events=described.drop(CATEGORY),
        described=described,
        rejected=_rejected(rows, repeated),
        catalog=derive_catalog(items, categories=categories, known=listed),
        users=derive_users(described),
        rows=profile.rows,
        warnings=profile.warnings,
        examples=profile.examples,
        items=items,
        ledger=profile.ledger.lazy(),
        layout=layout_of(log),
        categories=categories,
        shown_categories=profile.categories,
        listed=listed,
    )


def _with_names(settings: IngestSettings, named: Mapping[str, Any]) -> IngestSettings:
    try:
        return IngestSettings.model_validate(settings.model_dump() | dict(named))
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ConfigError(f"read_log: {told}") from error


def _columns(log: SourceLog) -> list[str]:
    """Return the columns of the source by their own names."""
    marked = [name.removeprefix(PREFIX) for name in log.rows.collect_schema() if name.startswith(PREFIX)]
    return [name for name in marked if name != EXTRA_FIELD]


def _with_kept(log: SourceLog, files: Sequence[LogFile], settings: IngestSettings) -> SourceLog:
    """Return the log with those of the columns to keep that it has."""
    own, schema = _columns(log), log.rows.collect_schema()
    kept = {ours: theirs for ours, theirs in settings.kept.items() if theirs in own}
    check_flat(files, kept.values())
    values = {
        ours: kept_column(source(theirs), schema[PREFIX + theirs], theirs, as_text=ours in settings.texts)
        for ours, theirs in kept.items()
    }
    return replace(log, kept=values, texts=settings.texts)


def _listed(log: SourceLog, dtype: pl.DataType) -> pl.LazyFrame | None:
    """Return what stands outside the events, for the items that are written as `item_id` is in them."""
    if log.categories is None:
        return None
    same = pl.col(ITEM_ID).cast(dtype, strict=False)
    as_written = same.cast(pl.String) == pl.col(ITEM_ID)  # "007" is not the item 7
    return log.categories.filter(as_written).with_columns(same)


def _rejected(rows: pl.LazyFrame, repeated: pl.LazyFrame) -> pl.LazyFrame:
    duplicate = pl.lit("duplicate", REASON_DTYPE)
    schema = rows.collect_schema()
    text = [as_text(pl.col(column), schema[column], name).alias(name) for column, name in plain_names(schema).items()]
    return (
        rows.join(repeated.with_columns(duplicate.alias("repeats")), on=EVENT_ID, how="left", maintain_order="left")
        .with_columns(pl.coalesce(REASON, "repeats").alias(REASON))
        .filter(pl.col(REASON).is_not_null())
        .select(EVENT_ID, REASON, *text)
    )
