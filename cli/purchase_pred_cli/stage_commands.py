"""Commands that run the stages of the registry: run, generate, sessionize, split, features, train."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from purchase_pred_cli.ingest_command import ingest
from purchase_pred_cli.options import Common, command_options
from purchase_pred_cli.stage_runs import run_requests

if TYPE_CHECKING:
    from purchase_pred.pipeline.engine.stage import StageReport


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
    return run_requests(common, settings, requests, realism=realism)
