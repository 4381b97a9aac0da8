"""A product list beside the log: the categories and list prices of items, in files of their own."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest.files import inspect_file, readable
from purchase_pred.ingest.kept import (
    check_flat,
    kept_column,
    kept_dtype,
    missing_column,
    typed_values,
    value_facts,
)
from purchase_pred.ingest.numbers import check_numbers, read_number
from purchase_pred.ingest.paths import expand_paths
from purchase_pred.ingest.rows import missing_to_null
from purchase_pred.ingest.source import as_text, scan_files
from purchase_pred.ingest.suggestions import likely_column
from purchase_pred.schema import BASE_PRICE, CATEGORY, ITEM_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from purchase_pred.ingest.files import LogFile
    from purchase_pred.settings.ingest import IngestSettings

_COLUMNS: Final = (ITEM_ID, CATEGORY, BASE_PRICE)
_TEXT: Final = "base_price:text"
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def read_products(
    paths: Sequence[str | Path],
    /,
    *,
    settings: IngestSettings,
    keep: Mapping[str, str] = _NOTHING,
    log_columns: Sequence[str] = (),
) -> pl.DataFrame:
    """Read a product list: CSV, NDJSON or Parquet with a row per item.

    Parameters
    ----------
    paths
        Files and globs, as of a log.
    settings
        `catalog_columns`, the list's columns by our name, before `item_id`, `category` and `base_price`; `decimal`.
    keep
        Columns of the list to keep, their own names by those that they get; see `kept_dtype`. Those of
        `settings.texts` are text in any case.
    log_columns
        Where else such a column was looked for, for the message.

    Returns
    -------
    DataFrame
        `item_id` String, `category` String, `base_price` Float64 (null unless above 0) and the columns to keep, one
        row per item: the first that the list has of it. Rows without an item are left out.

    Raises
    ------
    InputError
        A file cannot be read; a column is missing, the item, both others or one to keep; most prices cannot be read.
    """
    files = [inspect_file(path) for path in expand_paths(paths)]
    names = {column: settings.catalog_columns.get(column, column) for column in _COLUMNS}
    for file in files:
        _check_columns(file, names, settings)
    check_flat(files, keep.values())
    for name in keep.values():
        found = dict.fromkeys(column for file in files for column in file.names)
        if name not in found:
            raise missing_column(name, {"the log": log_columns, "the product list": found})
    listed = _listed(files, names, settings, keep)
    _check_prices(listed, names[BASE_PRICE], settings)
    shown = pl.when(pl.col(BASE_PRICE) > 0).then(pl.col(BASE_PRICE))
    kept = [_typed(listed, name, settings) for name in keep]
    rows = listed.select(ITEM_ID, CATEGORY, shown.alias(BASE_PRICE), *kept).drop_nulls(ITEM_ID)
    return rows.unique(ITEM_ID, keep="first", maintain_order=True)


def add_products(products: pl.DataFrame, known: pl.LazyFrame | None, /) -> pl.LazyFrame:
    """Return a product list, and of the items or categories that it lacks what a format's own files know of them."""
    if known is None:
        return products.lazy()
    both = products.lazy().join(known, on=ITEM_ID, how="full", coalesce=True, suffix=":known")
    return both.with_columns(pl.coalesce(CATEGORY, f"{CATEGORY}:known").alias(CATEGORY)).select(products.columns)


def _listed(
    files: Sequence[LogFile], names: dict[str, str], settings: IngestSettings, keep: Mapping[str, str]
) -> pl.DataFrame:
    """Return every row of a list in our columns, prices of 0 among them, and the price as it is written."""
    with readable([file.path for file in files]):
        scanned = scan_files(files)
        schema = scanned.collect_schema()
        text = {
            column: missing_to_null(as_text(pl.col(name), schema[name], name).str.strip_chars())
            if name in schema
            else pl.lit(None, pl.String)
            for column, name in names.items()
        }
        decimal = settings.decimal if schema.get(names[BASE_PRICE]) == pl.String else "."
        price = read_number(text[BASE_PRICE], decimal=decimal)
        return scanned.select(
            pl.when(text[ITEM_ID] != "").then(text[ITEM_ID]).alias(ITEM_ID),
            pl.when(text[CATEGORY] != "").then(text[CATEGORY]).alias(CATEGORY),
            pl.when(price.is_finite() & (price >= 0)).then(price).alias(BASE_PRICE),
            pl.when(text[BASE_PRICE] != "").then(text[BASE_PRICE]).alias(_TEXT),
            *(
                kept_column(pl.col(theirs), schema[theirs], theirs, as_text=ours in settings.texts).alias(ours)
                for ours, theirs in keep.items()
            ),
        ).collect()


def _typed(listed: pl.DataFrame, name: str, settings: IngestSettings) -> pl.Expr:
    """Return a column to keep in the dtype that all its values have."""
    values, found = pl.col(name), listed.schema[name]
    if found != pl.String or name in settings.texts:
        return values
    facts = listed.select(value_facts(name, values, sound=pl.lit(value=True), decimal=settings.decimal))
    return typed_values(values, found, kept_dtype(name, facts), decimal=settings.decimal).alias(name)


def _check_columns(file: LogFile, names: dict[str, str], settings: IngestSettings) -> None:
    lacking = [column for column in names if column in (ITEM_ID, *settings.catalog_columns)]
    lacking = [column for column in lacking if names[column] not in file.names and (names[column] or column == ITEM_ID)]
    if not lacking and not {names[CATEGORY], names[BASE_PRICE]} & set(file.names):
        lacking = [CATEGORY, BASE_PRICE]
    if lacking:
        nearest = {column: likely_column(names[column], column, file.names) for column in lacking}
        options = " ".join(f"--map-catalog {column}={nearest[column] or 'NAME'}" for column in lacking)
        raise InputError(
            f"{file.path}: a product list needs item_id and category or base_price; missing "
            f"{', '.join(repr(names[column]) for column in lacking)}; columns found: "
            f"{', '.join(map(repr, file.names)) or 'none'}; name the right ones with {options}"
        )


def _check_prices(listed: pl.DataFrame, named: str, settings: IngestSettings) -> None:
    unread = listed.filter(pl.col(_TEXT).is_not_null() & pl.col(BASE_PRICE).is_null())[_TEXT]
    check_numbers(
        BASE_PRICE,
        named=named,
        option="--map-catalog",
        written=listed[_TEXT].count(),
        unread=len(unread),
        examples=unread.unique().sort().head(5).to_list(),
        decimal=settings.decimal,
    )
