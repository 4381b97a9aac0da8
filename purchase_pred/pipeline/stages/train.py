"""The stage `train`: models, each a folder that appears whole, judged beside the baselines."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.evaluation import data_red_flags, evaluate, scored_splits
from purchase_pred.execution.memory import PROGRAM_BYTES, memory_limit
from purchase_pred.models import save_bundle, save_pickle
from purchase_pred.models.rows.feature_rows import labels_of
from purchase_pred.models.training import train_and_score
from purchase_pred.pipeline.engine.fingerprint import REPORT_NAME
from purchase_pred.pipeline.engine.parquet import scan
from purchase_pred.pipeline.engine.stage import Made
from purchase_pred.pipeline.engine.workspace import MODELS_FOLDER, SESSIONIZED_FILE, remove
from purchase_pred.pipeline.feature_files import older_than_inputs, read_splits
from purchase_pred.pipeline.model_files import LOG_UNTIL, METRICS_FILE
from purchase_pred.pipeline.report_files import report_source
from purchase_pred.pipeline.stages.features import log_end, log_facts
from purchase_pred.pipeline.stages.suggestions import suggest
from purchase_pred.pipeline.stages.support import SplitCounts, check_labels
from purchase_pred.report.data import report_data
from purchase_pred.report.page import render_report
from purchase_pred.schema import SESSIONIZED

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from purchase_pred.models import FittedModel
    from purchase_pred.pipeline.engine.stage import Work
    from purchase_pred.pipeline.engine.workspace import Workspace

_LOGGER: Final = logging.getLogger(__name__)


def train(work: Work, /) -> list[Made]:
    """Train and judge the models asked for, all under the same moment in their names."""
    splits = read_splits(work.workspace, work.settings)
    _tell_of_age(work)
    _check(work, splits)
    chosen = work.settings.train.model_copy(update={"models": work.units})
    settings = work.settings.model_copy(update={"train": chosen})
    trained_at = _free_moment(work.workspace, work.units)
    memory = memory_limit(settings.execution) - PROGRAM_BYTES
    learnt = splits["train"], splits["val"]
    models, scores = train_and_score(*learnt, settings=settings, trained_at=trained_at, memory=memory)
    models = [replace(model, training=model.training | {LOG_UNTIL: _log_until(work)}) for model in models]
    _tell(work, models)
    logistic = next((model for model in models if model.kind == "logistic"), None)
    # Before any rows are held: it draws samples of all of them.
    flags = data_red_flags(splits, left_out=models[0].spec.left_out, seed=chosen.random_seed, threads=chosen.threads)
    scored = scored_splits(models, splits, known={"val": scores})
    documents = [evaluate(model, scored, settings=settings, logistic=logistic) for model in models]
    source = report_source(work.workspace, settings)
    made = []
    for model, document in zip(models, documents, strict=True):
        shown = report_data(
            model,
            scored,
            document,
            source=source,
            settings=settings,
            rivals=documents,
            logistic=logistic,
            flags=flags,
        )
        made.append(_write_model(work.workspace, model, document, render_report(shown)))
    return made


def _check(work: Work, splits: Mapping[str, pl.LazyFrame]) -> None:
    counted = {name: labels_of(frame) for name, frame in splits.items()}
    counts = {name: SplitCounts(len(labels), int(labels.sum()), 0) for name, labels in counted.items()}
    sessionized = scan(work.read(SESSIONIZED_FILE), SESSIONIZED)
    check_labels(
        log_facts(sessionized),
        counts,
        settings=work.settings,
        advise=lambda: suggest(sessionized, work.settings),
    )


def _log_until(work: Work) -> str | None:
    """Return the end of the log: labels that mature later are of no part in any of the splits."""
    end = log_end(scan(work.read(SESSIONIZED_FILE), SESSIONIZED))
    return None if end is None else end.isoformat()


def _tell(work: Work, models: list[FittedModel]) -> None:
    """Say what was learnt from, and warn of scores that nothing made into probabilities."""
    sampling = models[0].training["sampling"]
    counts = f"{sampling['kept']:,} of {sampling['rows']:,} rows"
    _LOGGER.info("learnt from %s: %s", counts, sampling["why"])
    for model in models:
        calibration = model.training["calibration"]
        _LOGGER.info("%s: calibrated by %s: %s", model.name, calibration["method"], calibration["why"])
        if calibration["left_alone"]:
            message = f"{model.name}: its scores are not calibrated: {calibration['why']}"
            _LOGGER.warning(message)
            work.observer.warns(message)


def _tell_of_age(work: Work) -> None:
    message = older_than_inputs(work.workspace, work.settings)
    if message:
        _LOGGER.warning(message)
        work.observer.warns(message)


def _free_moment(workspace: Workspace, kinds: tuple[str, ...]) -> datetime:
    """Return the first second from now on that no model folder is named by."""
    moment = datetime.now(UTC).replace(microsecond=0)
    while any(workspace.path(f"{MODELS_FOLDER}/{kind}_{moment:%Y%m%d_%H%M%S}").exists() for kind in kinds):
        moment += timedelta(seconds=1)
    return moment


def _write_model(workspace: Workspace, model: FittedModel, document: dict[str, Any], page: str) -> Made:
    output = f"{MODELS_FOLDER}/{model.name}"
    folder = workspace.partial(output)
    remove(folder)
    save_bundle(model, folder)
    (folder / METRICS_FILE).write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    (folder / REPORT_NAME).write_text(page, encoding="utf-8")
    pickled = workspace.partial(f"{output}.pkl")
    save_pickle(model, pickled)
    attachments = {f"{output}.pkl": pickled, f"{output}/{REPORT_NAME}": folder / REPORT_NAME}
    test = document["splits"]["test"]
    counts = {"average_precision_test": test["average_precision"]}
    return Made(model.kind, folder, output, counts=counts, attachments=attachments)
