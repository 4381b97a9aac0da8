"""The models of a workspace as a whole: listed, put in use, compared on the same rows, and cleared away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.errors import BundleError, InputError
from purchase_pred.evaluation import scored_splits
from purchase_pred.evaluation.paired import Judged, disagreements, paired_differences, top_in_common
from purchase_pred.models import load_model
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.models.thresholds import choose_threshold
from purchase_pred.names import MODELS
from purchase_pred.pipeline.engine.fingerprint import size
from purchase_pred.pipeline.engine.manifest import read_manifest
from purchase_pred.pipeline.engine.workspace import MODELS_FOLDER, features_file, remove
from purchase_pred.pipeline.feature_files import read_split
from purchase_pred.pipeline.model_files import all_models, find_model, read_metrics
from purchase_pred.pipeline.models_in_use import (
    earlier_models,
    model_in_use,
    put_in_use,
    read_history,
    roll_back,
)
from purchase_pred.pipeline.registry import model_folders
from purchase_pred.report.words import moment_of_prediction, outcome
from purchase_pred.schema import PREDICTION_TIME
from purchase_pred.settings.carried import adopted_settings

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from purchase_pred.evaluation import ScoredSplit
    from purchase_pred.evaluation.paired import Difference
    from purchase_pred.models import FittedModel
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings
    from purchase_pred.settings.loading import ResolvedSettings

TOP_PERCENT: Final = 1
"""The share of rows, in percent, of which a comparison says how many both models would act on first."""

_MOMENT: Final = re.compile(r"[a-z]+_(\d{8}_\d{6})")


@dataclass(frozen=True)
class ListedModel:
    """A model as a list shows it; None: its files do not tell."""

    name: str
    kind: str
    target: str | None
    """In words."""
    val: float | None
    """Average precision on validation."""
    test: float | None
    """Average precision on test."""
    trained_at: datetime
    fingerprint: str | None
    """Of the feature file that it learnt from."""
    is_in_use: bool


@dataclass(frozen=True)
class Cleared:
    """A model that goes."""

    name: str
    bytes: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two models on the rows of test."""

    first: str
    second: str
    rows: int
    positives: int
    differences: dict[str, Difference]
    """By ``average_precision``, ``log_loss`` and ``profit``; second minus first."""
    resamples: int
    thresholds: tuple[float | None, float | None]
    """From which probability on each acts, chosen on validation by the rule of the settings."""
    top_in_common: float | None
    """Share of the best `TOP_PERCENT` % of rows that both have there."""
    disagreements: pl.DataFrame
    """The rows whose probabilities differ most."""


def list_models(workspace: Workspace, /) -> list[ListedModel]:
    """Return the models of a workspace, the newest first; none in an empty one.

    None of them is in use where the one that was put in use is gone.

    Raises
    ------
    InputError
        Nothing readable tells which model is in use.
    """
    folders = all_models(workspace)
    taken = model_in_use(workspace) or next((folder.name for folder in folders), None)
    return [_listed(folder, is_in_use=folder.name == taken) for folder in folders]


def use_model(workspace: Workspace, name: str, /) -> tuple[str | None, str]:
    """Put a model of the workspace in use; return the one that was so before, if any, and the one that is now.

    Raises
    ------
    InputError
        There is no such model in the workspace.
    BundleError
        It cannot be loaded.
    """
    folder = find_model(workspace, name)
    known = [one.name for one in all_models(workspace)]
    if folder.name not in known or folder.resolve() != workspace.path(f"{MODELS_FOLDER}/{folder.name}").resolve():
        raise InputError(
            f"{folder} is no complete model of this workspace; there are: {', '.join(known) or 'none'}. "
            "`score --model PATH` takes one from elsewhere"
        )
    load_model(folder)
    return put_in_use(workspace, folder.name), folder.name


def go_back(workspace: Workspace, /) -> tuple[str, str]:
    """Put the model in use that was so before; return the one given up and the one that is in use now.

    Raises
    ------
    InputError
        No model was in use before, or none of them is still there.
    """
    return roll_back(workspace, [folder.name for folder in all_models(workspace) if _loads(folder)])


def prune_models(workspace: Workspace, /, *, keep: int, dry_run: bool = False) -> list[Cleared]:
    """Remove all but the newest models of each kind, each at once and whole, and return those that go.

    The model in use stays, and so does the one that a rollback would go back to, however old they are. A model that is
    removed takes its pickle along.
    """
    going = _to_clear(workspace, keep)
    if dry_run or not going:
        return going
    with workspace.locked():
        going = _to_clear(workspace, keep)
        for model in going:
            folder, pickle = (workspace.path(f"{MODELS_FOLDER}/{model.name}{ending}") for ending in ("", ".pkl"))
            # Whoever is cut off leaves a temporary name, which the next run clears away, and no half of a model.
            condemned = workspace.partial(f"{MODELS_FOLDER}/{model.name}")
            remove(condemned)
            folder.replace(condemned)
            remove(pickle)
            remove(condemned)
    return going


def compare_models(
    workspace: Workspace, resolved: ResolvedSettings, first: str, second: str, /, *, most: int = 10
) -> Comparison:
    """Judge two models on the same rows, those of test; thresholds are chosen on validation.

    Parameters
    ----------
    workspace
        Holds the feature files.
    resolved
        The settings: what a decision is worth, and how often users are resampled.
    first, second
        Two models, by path, name or kind.
    most
        How many of the rows to return on which they disagree most.

    Raises
    ------
    InputError
        There is no such model, or both are the same, or a feature file is missing.
    ConfigError
        The feature files were made with other settings than those of a model.
    BundleError
        A model cannot be loaded, or takes other features.
    """
    folders = [find_model(workspace, name) for name in (first, second)]
    if folders[0].name == folders[1].name:
        raise InputError(f"two models are needed to compare, found {folders[0].name} twice")
    pair = [load_model(folder) for folder in folders]
    for folder, model in zip(folders, pair, strict=True):
        settings = adopted_settings(resolved, model.feature_settings, owner=str(folder))
        splits = {name: read_split(workspace, settings, name, asker=str(folder)) for name in ("val", "test")}
    scored = scored_splits(pair, splits)
    judged = [_judged(model, scored, settings) for model in pair]
    test, rule = scored["test"], settings.train.threshold
    probabilities = [one.probabilities for one in judged]
    return Comparison(
        first=pair[0].name,
        second=pair[1].name,
        rows=test.rows.height,
        positives=int(test.labels.sum()),
        differences=paired_differences(
            test.rows, *judged, profit=rule.profit, resamples=rule.resamples, seed=settings.train.random_seed
        ),
        resamples=rule.resamples,
        thresholds=(judged[0].threshold, judged[1].threshold),
        top_in_common=top_in_common(*probabilities, percent=TOP_PERCENT),
        disagreements=disagreements(test.rows, *probabilities, most=most),
    )


def _listed(folder: Path, *, is_in_use: bool) -> ListedModel:
    document, manifest = _metrics(folder), read_manifest(folder)
    splits = document.get("splits", {})
    target = document.get("target")
    return ListedModel(
        name=folder.name,
        kind=folder.name.partition("_")[0],
        target=f"{outcome(target)}, asked {moment_of_prediction(target)}" if target else None,
        val=splits.get("val", {}).get("average_precision"),
        test=splits.get("test", {}).get("average_precision"),
        trained_at=_trained_at(folder),
        fingerprint=manifest.inputs.get(features_file("train")) if manifest else None,
        is_in_use=is_in_use,
    )


def _metrics(folder: Path) -> dict[str, Any]:
    try:
        return read_metrics(folder)
    except InputError:
        return {}


def _trained_at(folder: Path) -> datetime:
    """Return the moment in the name of a model; of one under another name, when it was written."""
    named = _MOMENT.fullmatch(folder.name)
    if named:
        return datetime.strptime(named[1], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    return datetime.fromtimestamp(folder.stat().st_mtime, tz=UTC)


def _loads(folder: Path) -> bool:
    try:
        load_model(folder)
    except BundleError:
        return False
    return True


def _to_clear(workspace: Workspace, keep: int) -> list[Cleared]:
    folders, earlier = all_models(workspace), earlier_models(read_history(workspace))
    there = {folder.name for folder in folders}
    stay: set[str | None] = {folder.name for kind in MODELS for folder in model_folders(workspace, kind)[:keep]}
    stay |= {model_in_use(workspace)}
    stay |= {next((name for name in reversed(earlier) if name in there), None)}
    return [Cleared(folder.name, size(folder)) for folder in folders if folder.name not in stay]


def _judged(model: FittedModel, scored: dict[str, ScoredSplit], settings: Settings) -> Judged:
    val = scored["val"]
    threshold = choose_threshold(
        label_vector(val.rows),
        val.probabilities(model),
        days=val.rows[PREDICTION_TIME].dt.date().n_unique(),
        settings=settings.train.threshold,
    )
    return Judged(scored["test"].probabilities(model), threshold)
