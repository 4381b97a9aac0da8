"""The stage `ingest`: a real log becomes the raw data of the workspace."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest import check_rejected, read_log
from purchase_pred.ingest.catalog import derive_catalog
from purchase_pred.ingest.paths import expand_paths
from purchase_pred.ingest.rows import REASON
from purchase_pred.pipeline.engine.manifest import read_manifest
from purchase_pred.pipeline.engine.parquet import row_count, sink
from purchase_pred.pipeline.engine.stage import Made, Stage
from purchase_pred.pipeline.engine.workspace import (
    CATALOG_FILE,
    EVENTS_FILE,
    FIRST_KNOWN_FILE,
    LEDGER_FILE,
    REJECTED_FILE,
    TRUTH_FILE,
    USERS_FILE,
)
from purchase_pred.schema import ITEM_ID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.stage import Work
    from purchase_pred.pipeline.engine.workspace import Workspace

FORMAT: Final = "format"
PATHS: Final = "paths"
CATALOG: Final = "catalog"
"""The options of the stage."""
LAYOUT: Final = "purchase_pred:layout"
"""Under which name the file of what was first known tells the layout of the log."""

UNITS: Final = (USERS_FILE, CATALOG_FILE, EVENTS_FILE, REJECTED_FILE, LEDGER_FILE, FIRST_KNOWN_FILE)

_LOGGER: Final = logging.getLogger(__name__)


def ingest_stage(log_format: str, paths: Sequence[Path], /, *, catalog: Sequence[Path] = ()) -> Stage:
    """Return the stage that reads these files or globs; its inputs lie outside of the workspace.

    Raises
    ------
    InputError
        A path or glob matches no file.
    """
    files = tuple(str(path.resolve()) for path in expand_paths(paths))
    lists = tuple(str(path.resolve()) for path in expand_paths(catalog)) if catalog else ()
    return Stage(
        name="ingest",
        function="purchase_pred.pipeline.stages.ingest:ingest",
        inputs=(*files, *lists),
        units=UNITS,
        settings=("ingest",),
        counted=(EVENTS_FILE,),
        replaces=(TRUTH_FILE,),
        options={FORMAT: log_format, PATHS: list(files)} | ({CATALOG: list(lists)} if lists else {}),
    )


def ingest(work: Work, /) -> list[Made]:
    """Write events, catalog, users, rejected rows and what adding to them takes; refuse a log that loses too much.

    Raises
    ------
    InputError
        The log cannot be read, more than `ingest.max_rejected` of it was rejected, or it would take the place of a
        longer real log and `--force` was not given.
    """
    settings = work.settings.ingest
    catalog = work.options.get(CATALOG, ())
    log = read_log(work.options[PATHS], format=work.options[FORMAT], catalog=catalog, settings=settings)
    if not work.force:
        _check_replaced(work.workspace, log.rows)
    for warning in log.warnings:
        warn(warning, work)
    partials = {unit: work.workspace.partial(unit) for unit in work.units}
    rows = {REJECTED_FILE: sink(log.rejected, partials[REJECTED_FILE])}
    rejected = by_reason(partials[REJECTED_FILE])
    check_rejected(rejected, rows=log.rows, max_rejected=settings.max_rejected, examples=log.examples)
    passing = work.workspace.partial(f"{EVENTS_FILE}.described")  # else the source would be read for each of them
    log.described.sink_parquet(passing, compression="lz4")
    log = log.held(pl.scan_parquet(passing))
    rows[FIRST_KNOWN_FILE] = sink(log.items, partials[FIRST_KNOWN_FILE], told={LAYOUT: log.layout.to_json()})
    items = derive_catalog(
        pl.scan_parquet(partials[FIRST_KNOWN_FILE]), categories=log.categories, known=log.listed
    )  # as log.catalog, which would read the source anew
    for unit, frame in ((EVENTS_FILE, log.events), (CATALOG_FILE, items), (USERS_FILE, log.users)):
        rows[unit] = sink(frame, partials[unit])
    passing.unlink()
    rows[LEDGER_FILE] = sink(log.ledger, partials[LEDGER_FILE])
    if catalog and log.listed is not None:
        check_listed(partials[CATALOG_FILE], log.listed, catalog, work)
    counts = {EVENTS_FILE: {"source_rows": log.rows, "rejected": sum(rejected.values())}, REJECTED_FILE: rejected}
    return [Made(unit, partials[unit], unit, rows=rows[unit], counts=counts.get(unit, {})) for unit in work.units]


def warn(message: str, work: Work, /) -> None:
    """Say what the user should know, on the terminal and in the log."""
    _LOGGER.warning(message)
    work.observer.warns(message)


def check_listed(items: Path, listed: pl.LazyFrame, catalog: Sequence[str], work: Work, /) -> None:
    """Warn of items that the product list does not have, and refuse a list that has none of them."""
    known = pl.scan_parquet(items)
    total = row_count(items)
    absent = known.join(listed, on=ITEM_ID, how="anti").select(pl.len()).collect().item()
    if absent == total:
        raise InputError(
            f"{', '.join(catalog)}: none of the {total:,} items of the log is in the product list; name the column of "
            "the items with --map-catalog item_id=NAME"
        )
    if absent:
        warn(f"{absent:,} of {total:,} items of the log are not in the product list", work)


def by_reason(path: Path, /) -> dict[str, int]:
    """Return how many rows of a file of rejected rows have each reason."""
    counted = pl.scan_parquet(path).group_by(REASON).agg(rows=pl.len()).sort(REASON).collect()
    return {str(reason): int(rows) for reason, rows in counted.iter_rows()}


def _check_replaced(workspace: Workspace, rows: int) -> None:
    """Raise if a real log of more rows would go; rows are those of the source, whatever was rejected of them."""
    path = workspace.path(EVENTS_FILE)
    manifest = read_manifest(path)
    if not path.is_file() or (manifest is not None and manifest.stage != "ingest"):
        return
    try:
        held = manifest.counts.get("source_rows", manifest.rows) if manifest is not None else row_count(path)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path} holds raw data that cannot be read; --force replaces it") from error
    if held > rows:
        raise InputError(
            f"{path} holds a real log of {held:,} rows, and the one to bring in has {rows:,}, which would take its "
            "place: --append adds it to the log, --force replaces it, another --workspace keeps both"
        )
