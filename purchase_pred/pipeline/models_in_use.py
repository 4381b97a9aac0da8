"""The model in use: the one that commands take unless another is named, and those that were in use before it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, get_args

from purchase_pred.errors import InputError
from purchase_pred.pipeline.engine.fingerprint import flush_entries
from purchase_pred.pipeline.engine.publish import written_whole
from purchase_pred.pipeline.engine.workspace import MODELS_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from purchase_pred.pipeline.engine.workspace import Workspace

IN_USE_FILE: Final = f"{MODELS_FOLDER}/in_use.json"

_SCHEMA_VERSION: Final = 1
_MOST_BYTES: Final = 16 << 20

Reason = Literal["use", "rollback"]
_REASONS: Final = get_args(Reason)


@dataclass(frozen=True)
class Change:
    """A model was put in use."""

    model: str
    at: str
    """The moment, in UTC."""
    by: Reason


def model_in_use(workspace: Workspace, /) -> str | None:
    """Return the name of the model that was last put in use; None: none ever was.

    Raises
    ------
    InputError
        The file that tells cannot be read.
    """
    history = read_history(workspace)
    return history[-1].model if history else None


def read_history(workspace: Workspace, /) -> list[Change]:
    """Return which models were put in use, the latest last; errors as for `model_in_use`."""
    path = workspace.path(IN_USE_FILE)
    if not path.exists():
        return []
    try:
        with path.open("rb") as stream:
            return _parse(stream.read(_MOST_BYTES))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path} tells which model is in use, and cannot be read ({error}); remove it, and choose one by "
            "`purchase-pred models use NAME`"
        ) from error


def earlier_models(history: Sequence[Change], /) -> list[str]:
    """Return the models that steps back would lead to, the nearest last.

    Examples
    --------
    >>> steps = [("a", "use"), ("b", "use"), ("c", "use"), ("b", "rollback"), ("d", "use")]
    >>> earlier_models([Change(model, "", by) for model, by in steps])
    ['a', 'b']
    """
    in_order: list[str] = []
    for change in history:
        if change.by == "use":
            in_order.append(change.model)
        else:
            while in_order and in_order[-1] != change.model:
                in_order.pop()
    return in_order[:-1]


def given_up(history: Sequence[Change], /) -> set[str]:
    """Return the models that somebody has gone back from, and not chosen again since.

    Examples
    --------
    >>> steps = [("a", "use"), ("b", "use"), ("a", "rollback"), ("c", "use"), ("a", "rollback"), ("c", "use")]
    >>> sorted(given_up([Change(model, "", by) for model, by in steps]))
    ['b']
    """
    found: set[str] = set()
    for before, change in pairwise(history):
        if change.by == "rollback":
            found.add(before.model)
        found.discard(change.model)
    return found


def put_in_use(workspace: Workspace, name: str, /) -> str | None:
    """Put a model in use, and return the one that was before; one that is in use already stays so."""
    with workspace.locked():
        history = read_history(workspace)
        before = history[-1].model if history else None
        if before != name:
            _write(workspace, [*history, _change(name, "use")])
    return before


def roll_back(workspace: Workspace, there: Iterable[str], /) -> tuple[str, str]:
    """Put the model in use that was so before, and return the one given up and the one put in its place.

    Of several steps back, the first one leads to a model that is still `there`.

    Raises
    ------
    InputError
        No model was in use before, or none of them is still there.
    """
    known = set(there)
    with workspace.locked():
        history = read_history(workspace)
        earlier = earlier_models(history)
        target = next((name for name in reversed(earlier) if name in known), None)
        if target is None:
            found = f"{', '.join(sorted(set(earlier)))} no longer exist" if earlier else "none was in use before"
            raise InputError(f"there is no model to go back to: {found}; `purchase-pred models use NAME` chooses one")
        _write(workspace, [*history, _change(target, "rollback")])
    return history[-1].model, target


def _parse(text: bytes) -> list[Change]:
    content = json.loads(text)
    history = [Change(str(row["model"]), str(row["at"]), row["by"]) for row in content["history"]]
    known = content["schema_version"] == _SCHEMA_VERSION and all(change.by in _REASONS for change in history)
    if not history or not known or content["in_use"] != history[-1].model:
        raise ValueError("it contradicts itself, or another version wrote it")
    return history


def _change(name: str, by: Reason) -> Change:
    return Change(name, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", by)


def _write(workspace: Workspace, history: Sequence[Change]) -> None:
    """Replace the file at once and whole: whoever is cut off leaves the old one or the new one."""
    path = workspace.path(IN_USE_FILE)
    content = {
        "schema_version": _SCHEMA_VERSION,
        "in_use": history[-1].model,
        "history": [asdict(change) for change in history],
    }
    with written_whole(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    flush_entries(path.parent)
