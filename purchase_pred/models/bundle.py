"""Saved models: a folder of native booster file and JSON, no pickle, that reads back bit-equal or is refused."""

from __future__ import annotations

import hashlib
import json
import pickle
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.errors import BundleError
from purchase_pred.models.amount_model import AmountModel
from purchase_pred.models.bundle_format import BUNDLE_VERSION, BundleDescription, CalibratorDescription
from purchase_pred.models.calibration import calibrator_from_json
from purchase_pred.models.fitted import FittedModel
from purchase_pred.models.learners.lightgbm_learner import LightGBMLearner
from purchase_pred.models.learners.logistic_learner import LogisticLearner
from purchase_pred.models.learners.xgboost_learner import XGBoostLearner
from purchase_pred.models.rows.spec import FeatureSpec
from purchase_pred.models.saved_json import checked, read_json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.models.learners.learner import SavedLearner

MODEL_FILE: Final = "model.json"
CALIBRATOR_FILE: Final = "calibrator.json"
FIRST_FIT_FOLDER: Final = "first_fit"
"""Holds, saved in the same form, the fit that had not seen validation, where `train.refit` made another."""
MOST_JSON_BYTES: Final = 50_000_000
MOST_BOOSTER_BYTES: Final = 1_000_000_000

_FIRST_FIT_FILE: Final = f"{FIRST_FIT_FOLDER}/{MODEL_FILE}"
_KINDS: Final = (LogisticLearner, XGBoostLearner, LightGBMLearner)
_LEARNERS: Final[Mapping[str, type[SavedLearner]]] = {learner.kind: learner for learner in _KINDS}


def save_bundle(model: FittedModel, directory: Path, /) -> None:
    """Write a model into a folder: the learner's native file, `model.json` and `calibrator.json`.

    The folder is made if it is missing; files of those names are replaced, others are left alone.

    Raises
    ------
    BundleError
        The model was made of an estimator that is not ours, which only a pickle could hold.
    """
    learner = _saved(model)
    directory.mkdir(parents=True, exist_ok=True)
    content = learner.to_bytes()
    description = {
        "bundle_version": BUNDLE_VERSION,
        "name": model.name,
        "kind": model.kind,
        "learner_file": learner.file_name,
        "learner_state": learner.state(),
        "odds_factor": model.odds_factor,
        "versions": {name: version(name) for name in _libraries(model)},
        "target": model.target,
        "training": model.training,
        "settings": model.settings,
        "feature_settings": model.feature_settings,
        "features": model.spec.to_json(),
        "left_out": list(model.spec.left_out),
        "amounts": None if model.amounts is None else model.amounts.state(),
        "nearer": [one.target["horizon"] for one in model.nearer],
    }
    contents = {learner.file_name: content, CALIBRATOR_FILE: _json(model.calibrator.to_json())}
    if model.amounts is not None:
        contents[model.amounts.file_name] = model.amounts.to_bytes()
    for name, written in contents.items():
        (directory / name).write_bytes(written)
    parts = {_horizon_folder(one.target["horizon"]): one for one in model.nearer}
    parts |= {FIRST_FIT_FOLDER: model.first_fit} if model.first_fit else {}
    for name, part in parts.items():
        save_bundle(part, directory / name)
        contents[f"{name}/{MODEL_FILE}"] = (directory / name / MODEL_FILE).read_bytes()
    write_description(directory, description | {"sha256": {name: _sha256(one) for name, one in contents.items()}})


def write_description(directory: Path, description: dict[str, Any], /) -> None:
    """Write `model.json` with the hash of everything else in it, by which an edit is noticed."""
    hashes = {**description["sha256"], MODEL_FILE: _own_hash(description)}
    (directory / MODEL_FILE).write_bytes(_json(description | {"sha256": hashes}))


def load_model(folder: Path | str, /) -> FittedModel:
    """Read a model that `save_bundle` wrote; its predictions are bit-equal to those of the model saved.

    Nothing in the folder is believed: every file must have the content that `model.json` names by hash, every number
    must be finite and in its range, and every tree is checked before the library that would follow it sees it.

    Raises
    ------
    BundleError
        A file is missing, unreadable, too large, altered, incomplete or senseless, or written by a newer version of
        the learner.
    """
    directory = Path(folder)
    description = _read_json(directory, MODEL_FILE)
    if description.get("bundle_version") != BUNDLE_VERSION:
        raise BundleError(
            f"{directory / MODEL_FILE}: bundle_version must be {BUNDLE_VERSION}, "
            f"found {description.get('bundle_version')!r}: train again with this version (`purchase-pred train`)"
        )
    known = checked(BundleDescription, description, str(directory / MODEL_FILE))
    if known.sha256.get(MODEL_FILE) != _own_hash(description):
        raise BundleError(
            f"{directory / MODEL_FILE}: it has been changed since the model was saved: restore it or train again"
        )
    calibrator = _read_json(directory, CALIBRATOR_FILE, known.sha256)
    checked(CalibratorDescription, calibrator, str(directory / CALIBRATOR_FILE))
    # A model saved before features could be left out says nothing of it.
    spec = FeatureSpec.from_json(description["features"], left_out=known.left_out)
    return FittedModel(
        name=known.name,
        learner=_read_learner(directory, known, spec),
        calibrator=calibrator_from_json(calibrator),
        spec=spec,
        odds_factor=known.odds_factor,
        target=description["target"],
        settings=known.settings,
        feature_settings=known.feature_settings,
        training=description["training"],
        amounts=_read_amounts(directory, known, spec),
        nearer=tuple(_read_part(directory, _horizon_folder(horizon), known) for horizon in known.nearer),
        first_fit=_read_part(directory, FIRST_FIT_FOLDER, known) if _FIRST_FIT_FILE in known.sha256 else None,
    )


def save_pickle(model: FittedModel, path: Path, /) -> None:
    """Write a model as a pickle, for notebooks; this package never reads it back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(model))


def _horizon_folder(horizon: str) -> str:
    return f"horizon_{horizon}"


def _read_part(directory: Path, name: str, known: BundleDescription) -> FittedModel:
    """Return a model that is saved within another: the first fit, which may have horizons, or that of a horizon."""
    file = f"{name}/{MODEL_FILE}"
    described = _read_json(directory, file, known.sha256)
    if _FIRST_FIT_FILE in described.get("sha256", ()) or (name != FIRST_FIT_FOLDER and described.get("nearer")):
        raise BundleError(f"{directory / file}: a model within a model has none of its own: train again")
    return load_model(directory / name)


def _saved(model: FittedModel) -> SavedLearner:
    learner = model.learner
    if not isinstance(learner, _KINDS):
        raise BundleError(
            f"{model.kind} cannot be saved as a model of this program, only {', '.join(sorted(_LEARNERS))} can; "
            "keep it by its library's own means"
        )
    return learner


def _libraries(model: FittedModel) -> tuple[str, ...]:
    """Return the distributions that must be able to read what is written."""
    own = ("purchase-pred", _saved(model).library)
    return own if model.amounts is None else (*own, model.amounts.library)


def _read_learner(directory: Path, known: BundleDescription, spec: FeatureSpec) -> SavedLearner:
    learner = _LEARNERS[known.kind]
    content = _read_booster(directory, learner.file_name, learner.library, known)
    try:
        return learner.from_bytes(content, known.learner_state.model_dump(), spec)
    except BundleError as error:
        raise BundleError(f"{directory}: {error}") from error


def _read_amounts(directory: Path, known: BundleDescription, spec: FeatureSpec) -> AmountModel | None:
    if known.amounts is None:
        return None
    content = _read_booster(directory, AmountModel.file_name, AmountModel.library, known)
    try:
        return AmountModel.from_bytes(content, known.amounts.model_dump(), spec)
    except BundleError as error:
        raise BundleError(f"{directory}: {error}") from error


def _read_booster(directory: Path, name: str, library: str, known: BundleDescription) -> bytes:
    if library not in known.versions:
        raise BundleError(f"{directory / MODEL_FILE}: versions lacks {library!r}: train again")
    _check_version(directory, library, known.versions[library])
    return _read(directory, name, known.sha256, most=MOST_BOOSTER_BYTES)


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


def _read_json(directory: Path, name: str, hashes: Mapping[str, str] | None = None) -> dict[str, Any]:
    return read_json_object(_read(directory, name, hashes, most=MOST_JSON_BYTES), str(directory / name))


def _read(directory: Path, name: str, hashes: Mapping[str, str] | None, *, most: int) -> bytes:
    """Return the content of a plain file, no larger than allowed and, if hashes are given, the one they name."""
    path = directory / name
    try:
        # A pipe would be waited for, a device read without end.
        if path.exists() and not path.is_file():
            raise BundleError(f"{path}: a saved model needs a plain file here, and this is none")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise BundleError(f"{path}: a saved model needs this file, and it cannot be read ({error.strerror})") from error
    if len(content) > most:
        raise BundleError(f"{path}: must have at most {most:,} bytes, and has more: restore it or train again")
    if hashes is not None and hashes.get(name) != _sha256(content):
        raise BundleError(f"{path}: the file is not the one that {MODEL_FILE} describes: restore it or train again")
    return content


def _own_hash(description: Mapping[str, Any]) -> str:
    files = {name: found for name, found in description["sha256"].items() if name != MODEL_FILE}
    try:
        return _sha256(json.dumps({**description, "sha256": files}, sort_keys=True).encode())
    except RecursionError:  # deeper than anything that was ever written
        return ""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()
