"""Saved models: a folder of native booster file and JSON, no pickle, that reads back bit-equal or is refused."""

from __future__ import annotations

import hashlib
import json
import pickle
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.errors import BundleError
from purchase_pred.models.calibration import calibrator_from_json
from purchase_pred.models.design_matrix import FeatureSpec
from purchase_pred.models.fitted import FittedModel
from purchase_pred.models.lightgbm_learner import LightGBMLearner
from purchase_pred.models.logistic_learner import LogisticLearner
from purchase_pred.models.xgboost_learner import XGBoostLearner

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from purchase_pred.models.learner import Learner

BUNDLE_VERSION: Final = 1
MODEL_FILE: Final = "model.json"
CALIBRATOR_FILE: Final = "calibrator.json"

_LEARNERS: Final[Mapping[str, type[Learner]]] = {
    learner.kind: learner for learner in (LogisticLearner, XGBoostLearner, LightGBMLearner)
}


def save_bundle(model: FittedModel, directory: Path, /) -> None:
    """Write a model into a folder: the learner's native file, `model.json` and `calibrator.json`.

    The folder is made if it is missing; files of those names are replaced, others are left alone.
    """
    directory.mkdir(parents=True, exist_ok=True)
    content = model.learner.to_bytes()
    description = {
        "bundle_version": BUNDLE_VERSION,
        "name": model.name,
        "kind": model.kind,
        "learner_file": model.learner.file_name,
        "learner_sha256": hashlib.sha256(content).hexdigest(),
        "learner_state": model.learner.state(),
        "odds_factor": model.odds_factor,
        "versions": {name: version(name) for name in ("purchase-pred", model.learner.library)},
        "target": model.target,
        "training": model.training,
        "settings": model.settings,
        "features": model.spec.to_json(),
        "left_out": list(model.spec.left_out),
    }
    (directory / model.learner.file_name).write_bytes(content)
    _write_json(directory / CALIBRATOR_FILE, model.calibrator.to_json())
    _write_json(directory / MODEL_FILE, description)


def load_bundle(directory: Path, /) -> FittedModel:
    """Read a model that `save_bundle` wrote; its predictions are bit-equal to those of the model saved.

    Raises
    ------
    BundleError
        A file is missing, unreadable, altered or incomplete, or written by a newer version of the learner.
    """
    description = _read_json(directory / MODEL_FILE)
    if description.get("bundle_version") != BUNDLE_VERSION:
        raise BundleError(
            f"{directory / MODEL_FILE}: bundle_version must be {BUNDLE_VERSION}, "
            f"found {description.get('bundle_version')!r}: train again with this version of purchase-pred"
        )
    calibrator = _read_json(directory / CALIBRATOR_FILE)
    try:
        # A model saved before features could be left out says nothing of it.
        spec = FeatureSpec.from_json(description["features"], left_out=description.get("left_out", ()))
        return FittedModel(
            name=description["name"],
            learner=_read_learner(directory, description, spec),
            calibrator=calibrator_from_json(calibrator),
            spec=spec,
            odds_factor=description["odds_factor"],
            target=description["target"],
            settings=description["settings"],
            training=description["training"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(
            f"{directory}: {MODEL_FILE} or {CALIBRATOR_FILE} lacks {error} or holds it in another form: train again"
        ) from error


def save_pickle(model: FittedModel, path: Path, /) -> None:
    """Write a model as a pickle, for notebooks; this package never reads it back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(model))


def _read_learner(directory: Path, description: dict[str, Any], spec: FeatureSpec) -> Learner:
    kind = description["kind"]
    if kind not in _LEARNERS:
        raise BundleError(f"{directory}: the kind must be one of {', '.join(sorted(_LEARNERS))}, found {kind!r}")
    learner = _LEARNERS[kind]
    _check_version(directory, learner.library, description["versions"][learner.library])
    path = directory / learner.file_name
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != description["learner_sha256"]:
        raise BundleError(f"{path}: the file is not the one that {MODEL_FILE} describes: restore it or train again")
    return learner.from_bytes(content, description["learner_state"], spec)


def _check_version(directory: Path, library: str, written_by: str) -> None:
    installed = version(library)
    if _release(written_by) > _release(installed):
        raise BundleError(
            f"{directory}: the model was written by {library} {written_by}, installed is {installed}: "
            f"install {library} {written_by} or later"
        )


def _release(text: str) -> tuple[int, int]:
    major, minor, *_ = text.split(".")
    return int(major), int(minor)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: a saved model needs this file, and it cannot be read ({error.strerror})") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read(path))
    except ValueError as error:
        raise BundleError(f"{path}: not JSON ({error}): restore it or train again") from error
    if not isinstance(found, dict):
        raise BundleError(f"{path}: must hold one JSON object, found {type(found).__name__}")
    return found


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
