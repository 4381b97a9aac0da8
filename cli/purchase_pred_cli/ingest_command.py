"""The command that brings in a real log: its options are settings under shorter names."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from purchase_pred_cli.options import Common, command_options
from purchase_pred_cli.stage_runs import run_requests

_EXAMPLES = {"--map": "timestamp=ts", "--event": "purchase=order", "--map-catalog": "item_id=sku"}


class LogFormat(StrEnum):
    """The formats of logs that can be read."""

    TABLE = "table"
    REES46 = "rees46"
    OTTO = "otto"
    CDNOW = "cdnow"
    RETAILROCKET = "retailrocket"
    YOOCHOOSE = "yoochoose"


@command_options()
def ingest(
    common: Common,
    *,
    log_format: Annotated[LogFormat, typer.Argument(metavar="FORMAT", help="The format of the log.")],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or globs.")],
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="OURS=THEIRS", help="Name a column of the log; repeatable.")
    ] = None,
    events: Annotated[
        list[str] | None, typer.Option("--event", metavar="OURS=THEIRS", help="Name an event; repeatable.")
    ] = None,
    catalog: Annotated[
        list[Path] | None, typer.Option("--catalog", metavar="PATH", help="Files of a product list; repeatable.")
    ] = None,
    catalog_columns: Annotated[
        list[str] | None,
        typer.Option("--map-catalog", metavar="OURS=THEIRS", help="Name a column of the product list; repeatable."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep", metavar="[OURS=]COLUMN", help="Keep a column of the log, or of the product list; repeatable."
        ),
    ] = None,
    keep_as_text: Annotated[
        list[str] | None,
        typer.Option(
            "--keep-as-text", metavar="[OURS=]COLUMN", help="Keep it as text, such as a code of digits; repeatable."
        ),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", metavar="ZONE", help="Zone of times that name none. Default: UTC.")
    ] = None,
    time_format: Annotated[
        str | None, typer.Option("--time-format", metavar="FORMAT", help="Form of the times, such as '%d.%m.%Y %H:%M'.")
    ] = None,
    decimal: Annotated[
        str | None, typer.Option("--decimal", metavar="SIGN", help="Decimal sign of prices: . or , Default: a point.")
    ] = None,
    append: Annotated[
        bool, typer.Option("--append", help="Add the files to the log that is there, read with the same options.")
    ] = False,
) -> None:
    """Bring a real log into data/raw: CSV, NDJSON or Parquet, plain or gzip."""
    from json import dumps

    from purchase_pred.pipeline.engine.runner import Request

    kept = {"keep": keep, "keep_as_text": keep_as_text}
    assignments = [
        *_named("ingest.columns", "--map", columns or []),
        *_named("ingest.events", "--event", events or []),
        *_named("ingest.catalog_columns", "--map-catalog", catalog_columns or []),
        *(f"ingest.{name}={dumps(given)}" for name, given in kept.items() if given),
        *_texts({"ingest.timezone": timezone, "ingest.time_format": time_format, "ingest.decimal": decimal}),
    ]
    settings = common.resolve(*assignments).settings
    if append:
        from purchase_pred.pipeline.stages.append import append_stage

        stage = append_stage(
            *(common.open_workspace(), log_format.value, paths),
            catalog=catalog or (),
            settings=settings,
            planned=common.dry_run,
        )
    else:
        from purchase_pred.pipeline.stages.ingest import ingest_stage

        stage = ingest_stage(log_format.value, paths, catalog=catalog or ())
    run_requests(common, settings, [Request(stage)])


def _named(key: str, option: str, pairs: list[str]) -> list[str]:
    """Return ``OURS=THEIRS`` pairs as assignments; several events may go by the names of one of ours."""
    from json import dumps

    from purchase_pred.errors import ConfigError

    found: dict[str, list[str]] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours or not (theirs or option.startswith("--map")):
            raise ConfigError(f"{option} must be OURS=THEIRS, such as {option} {_EXAMPLES[option]}, found {pair!r}")
        found.setdefault(ours, []).append(theirs)
    return [f"{key}.{ours}={dumps(theirs if len(theirs) > 1 else theirs[0])}" for ours, theirs in found.items()]


def _texts(values: dict[str, str | None]) -> list[str]:
    """Return those given as assignments, as the texts that they are."""
    from json import dumps

    return [f"{key}={dumps(text)}" for key, text in values.items() if text is not None]
