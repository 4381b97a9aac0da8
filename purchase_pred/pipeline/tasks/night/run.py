"""A night from the delivery to the list, as one run that holds the workspace."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.errors import UnsupportedTargetError
from purchase_pred.pipeline.engine.publish import recover
from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.pipeline.tasks.models import prune_models
from purchase_pred.pipeline.tasks.night.delivery import Appended, Delivery, append_delivery
from purchase_pred.pipeline.tasks.night.judging import Judgement, Watched, judge_matured, passed_limits, watch
from purchase_pred.pipeline.tasks.night.models import Promotion, Training, current_model, promote, train_when_due
from purchase_pred.pipeline.tasks.scoring.export import LISTS_FOLDER, check_export, export
from purchase_pred.pipeline.tasks.scoring.score import score
from purchase_pred.pipeline.tasks.scoring.score_list import AskedRules

if TYPE_CHECKING:
    from pathlib import Path

    from purchase_pred.pipeline.engine.stage import Observer
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings
    from purchase_pred.settings.loading import ResolvedSettings

_REFRESHED: Final = ("sessionize", "split", "features")
_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class AskedList:
    """Which list the night is to leave."""

    rules: AskedRules = field(default_factory=AskedRules)
    as_of: datetime | None = None
    """Events before it, strictly, are known; None: all events."""
    output: Path | None = None
    """None: `lists/` in the workspace, named by the day of the moment."""


@dataclass(frozen=True)
class Listed:
    """The list of the night."""

    path: str
    rows: int
    scored: int
    """Of how many open predictions."""
    as_of: datetime


@dataclass(frozen=True)
class Night:
    """What a night did."""

    log: Appended
    judged: Judgement | None
    limits: tuple[str, ...]
    """Which limits were passed."""
    training: Training
    promotion: Promotion | None
    model: str | None
    """The one in use in the end; None: there is none yet."""
    list: Listed | None
    """None: without a model there is none."""
    removed: tuple[str, ...]
    """Old models that were cleared away."""
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """Return the night as JSON values."""
        return {"schema_version": 1, **_plain(asdict(self))}


def run_night(
    workspace: Workspace,
    resolved: ResolvedSettings,
    delivery: Delivery,
    asked: AskedList,
    /,
    *,
    observer: Observer,
) -> Night:
    """Append, refresh, judge, train when due, promote what is not worse, and write the list.

    The workspace is held from the first step to the last. Each step leaves what it has done whole, and finds what an
    earlier run had done: a night that was cut off anywhere and is run again ends as an undisturbed one.

    Raises
    ------
    PurchasePredError
        As the steps raise them; what was finished before stays.
    """
    started = time.perf_counter()
    asked.rules.check()
    if asked.output:
        check_export(asked.output)
    with workspace.locked() as held:
        for told in recover(held):
            _LOGGER.info(told)
        night = _steps(held, resolved, delivery, asked, observer)
    return replace(night, seconds=round(time.perf_counter() - started, 3))


def _steps(
    workspace: Workspace, resolved: ResolvedSettings, delivery: Delivery, asked: AskedList, observer: Observer
) -> Night:
    settings = resolved.settings
    log = append_delivery(workspace, settings, delivery, observer=observer)
    impossible = _refresh(workspace, settings, observer)
    model = current_model(workspace)
    judged = judge_matured(workspace, resolved, model) if model and not impossible else None
    watched = watch(workspace, resolved, model, asked.as_of, observer=observer) if model else Watched()
    calls = (*passed_limits(judged, settings.nightly), *watched.model)
    training, promotion = Training((), impossible=impossible), None
    if not impossible:
        training = train_when_due(workspace, settings, calls, observer=observer)
        promotion = promote(workspace, resolved, model)
    if training.impossible:
        _LOGGER.warning(training.impossible)
        observer.warns(f"no model can be trained: {training.impossible}")
    model = current_model(workspace)
    return Night(
        log=log,
        judged=judged,
        limits=(*watched.log, *calls),
        training=training,
        promotion=promotion,
        model=model.name if model else None,
        list=_write_list(workspace, resolved, model, asked, observer) if model else None,
        removed=_clear(workspace, settings),
    )


def _refresh(workspace: Workspace, settings: Settings, observer: Observer) -> str | None:
    """Bring sessions, splits and features up to date; return why there can be no features, if there cannot."""
    requests = [Request(STAGE_BY_NAME[name]) for name in _REFRESHED]
    try:
        run_stages(requests, workspace=workspace, settings=settings, observer=observer)
    except UnsupportedTargetError as error:
        return str(error)
    return None


def _write_list(
    workspace: Workspace, resolved: ResolvedSettings, model: Path, asked: AskedList, observer: Observer
) -> Listed:
    rules = asked.rules.for_model(model)
    found = score(workspace, resolved, model=model, as_of=asked.as_of, rules=rules, warns=observer.warns)
    path = asked.output or workspace.path(f"{LISTS_FOLDER}/{found.as_of:%Y-%m-%d}.csv")
    export(found.rows, path)
    _LOGGER.info("night: %s of %s scores are listed in %s", found.rows.height, found.scored, path)
    return Listed(str(path), found.rows.height, found.scored, found.as_of)


def _clear(workspace: Workspace, settings: Settings) -> tuple[str, ...]:
    keep = settings.nightly.keep_models
    removed = () if keep is None else tuple(model.name for model in prune_models(workspace, keep=keep))
    if removed:
        _LOGGER.info("night: removed %s", ", ".join(removed))
    return removed


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value
