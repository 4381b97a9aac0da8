"""Commands that run stages: run, generate, ingest, sessionize, split, features, train."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from purchase_pred_cli.options import Common, command_options

if TYPE_CHECKING:
    from purchase_pred.pipeline.engine.runner import Request
    from purchase_pred.pipeline.engine.stage import StageReport
    from purchase_pred.settings import Settings


class RunTarget(StrEnum):
    """What `run` takes: `all`, or the name of a stage."""

    ALL = "all"
    GENERATE = "generate"
    SESSIONIZE = "sessionize"
    SPLIT = "split"
    FEATURES = "features"
    TRAIN = "train"


class SplitName(StrEnum):
    """The parts of the period."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class ModelKind(StrEnum):
    """The learners."""

    LOGISTIC = "logistic"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"


class Tracker(StrEnum):
    """Where trained models can be recorded."""

    MLFLOW = "mlflow"


class LogFormat(StrEnum):
    """The formats of logs that can be read."""

    TABLE = "table"
    REES46 = "rees46"
    OTTO = "otto"
    CDNOW = "cdnow"
    RETAILROCKET = "retailrocket"
    YOOCHOOSE = "yoochoose"


@command_options()
def run(
    common: Common,
    stages: Annotated[list[RunTarget], typer.Argument(help="`all`, or stages; they run in pipeline order.")],
    skip_data_gen: Annotated[bool, typer.Option("--skip-data-gen", help="Keep the raw data that is there.")] = False,
) -> None:
    """Run stages that are not up to date, in order, and say why."""
    named = [target.value for target in RunTarget if target != RunTarget.ALL]
    chosen = named if RunTarget.ALL in stages else [name for name in named if RunTarget(name) in stages]
    _run(common, chosen, kept={"generate": "--skip-data-gen"} if skip_data_gen else {})


@command_options()
def generate(
    common: Common,
    *,
    report: Annotated[
        bool, typer.Option("--report", help="Then measure the log, beside the bands of a believable shop.")
    ] = False,
) -> None:
    """Make a synthetic shop: users, catalog and click log, and the truth behind them."""
    _run(common, ["generate"], realism=report)


@command_options()
def sessionize(common: Common) -> None:
    """Give the sessions of each user their numbers."""
    _run(common, ["sessionize"])


@command_options()
def split(common: Common) -> None:
    """Cut the log by time into train, validation and test."""
    _run(common, ["split"])


@command_options()
def features(
    common: Common,
    splits: Annotated[
        list[SplitName] | None, typer.Option("--split", help="Only this split; repeatable. Default: all three.")
    ] = None,
    describe: Annotated[
        bool, typer.Option("--describe", help="Print the feature dictionary and make nothing.")
    ] = False,
) -> None:
    """Make prediction points, labels and features, with the whole history before each point."""
    from purchase_pred.pipeline.engine.workspace import features_file

    if describe:
        from purchase_pred_cli.dictionary import print_dictionary

        print_dictionary(common.resolve().settings.features, as_json=common.as_json)
        return
    _run(common, ["features"], units=tuple(features_file(split.value) for split in splits or ()))


@command_options()
def train(
    common: Common,
    models: Annotated[
        list[ModelKind] | None, typer.Option("--model", help="Only this model; repeatable. Default: train.models.")
    ] = None,
    track: Annotated[
        Tracker | None, typer.Option("--track", help="Record each trained model there (extra `mlflow`).")
    ] = None,
) -> None:
    """Train models, calibrate them, and judge them beside the baselines."""
    chosen = [f"train.models=[{', '.join(model.value for model in dict.fromkeys(models))}]"] if models else []
    if track is None:
        _run(common, ["train"], assignments=chosen)
        return
    from purchase_pred.pipeline.tasks.experiments import check_tracker, track_models

    check_tracker()
    reports = _run(common, ["train"], assignments=chosen)
    recorded = list(track_models(common.open_workspace(), reports))
    for folder, run_id in recorded:
        typer.echo(f"{folder} is recorded as run {run_id}", err=True)
    if not recorded and not common.dry_run:
        typer.echo("nothing was trained, so nothing is recorded; --force trains again", err=True)


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
        typer.Option("--keep", metavar="COLUMN", help="Keep a column of the log, or of the product list; repeatable."),
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

    assignments = [
        *_named("ingest.columns", "--map", columns or []),
        *_named("ingest.events", "--event", events or []),
        *_named("ingest.catalog_columns", "--map-catalog", catalog_columns or []),
        *([f"ingest.keep={dumps(keep)}"] if keep else []),
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
    _run_requests(common, settings, [Request(stage)])


COMMANDS = (run, generate, ingest, sessionize, split, features, train)


def _run(
    common: Common,
    names: list[str],
    *,
    units: tuple[str, ...] = (),
    assignments: list[str] | None = None,
    kept: dict[str, str] | None = None,
    realism: bool = False,
) -> "list[StageReport]":
    from purchase_pred.pipeline.engine.runner import Request
    from purchase_pred.pipeline.registry import STAGE_BY_NAME

    settings = common.resolve(*(assignments or [])).settings
    requests = [
        Request(
            STAGE_BY_NAME[name],
            tuple(settings.train.models) if name == "train" else units,
            kept=(kept or {}).get(name, ""),
        )
        for name in names
    ]
    return _run_requests(common, settings, requests, realism=realism)


def _run_requests(
    common: Common,
    settings: "Settings",
    requests: list["Request"],
    *,
    realism: bool = False,
) -> "list[StageReport]":
    from purchase_pred.pipeline.engine.runner import plan_stages, run_stages
    from purchase_pred_cli.console import Screen, print_json
    from purchase_pred_cli.plan import print_plan

    workspace = common.open_workspace()
    if common.dry_run:
        reports = plan_stages(
            requests,
            workspace=workspace,
            settings=settings,
            force=common.force,
        )
        print_json(_document(reports)) if common.as_json else print_plan(reports)
        return reports
    screen = Screen(quiet=common.quiet)
    with screen.watching():
        reports = run_stages(
            requests,
            workspace=workspace,
            settings=settings,
            observer=screen,
            force=common.force,
        )
    _print_results(common, settings, reports, realism=realism)
    return reports


def _print_results(common: Common, settings: "Settings", reports: list["StageReport"], *, realism: bool) -> None:
    from purchase_pred.pipeline.model_files import fresh_metrics
    from purchase_pred_cli.console import print_json

    document: dict[str, Any] = _document(reports)
    states = {report.stage: report.state for report in reports}
    workspace = common.open_workspace()
    metrics = fresh_metrics(workspace, settings) if "train" in states else []
    if realism:
        from purchase_pred.pipeline.stages.generate import measure_realism
        from purchase_pred_cli.realism import print_realism

        measured = measure_realism(workspace)
        document["realism"] = measured.to_dicts()
    if common.as_json:
        print_json(document | ({"models": metrics} if metrics else {}))
    elif realism:
        print_realism(measured)
    elif states.get("train") == "ran":
        from purchase_pred_cli.comparison import print_comparison, print_report_path, winner_of

        print_comparison(metrics)
        print_report_path(workspace.path(f"models/{winner_of(metrics)['model']}"))


def _document(reports: list["StageReport"]) -> dict[str, Any]:
    from dataclasses import asdict

    return {"schema_version": 1, "stages": [asdict(report) for report in reports]}


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


_EXAMPLES = {"--map": "timestamp=ts", "--event": "purchase=order", "--map-catalog": "item_id=sku"}
