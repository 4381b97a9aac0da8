"""JSON out of saved models, read without trust: bounded, of known types and ranges, each fault one sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from purchase_pred.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN: Final = 60


class SavedPart(BaseModel):
    """A part of a saved file: types as JSON has them, numbers finite; what it does not name is left to others."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]

_Part = TypeVar("_Part", bound=SavedPart)


def read_json_object(content: bytes, name: str, /) -> dict[str, Any]:
    """Return the JSON object that a file holds.

    Raises
    ------
    BundleError
        The content is no JSON object, names a key twice, holds a number that JSON has none of (NaN, infinities), or
        nests deeper than it can be read.
    """
    try:
        found = json.loads(content, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError as error:
        raise BundleError(f"{name}: nests too deep for any saved model: restore it or train again") from error
    except ValueError as error:
        raise BundleError(f"{name}: not JSON ({error}): restore it or train again") from error
    if not isinstance(found, dict):
        raise BundleError(f"{name}: must hold one JSON object, found {type(found).__name__}")
    return found


def checked(kind: type[_Part], found: dict[str, Any], name: str, /) -> _Part:
    """Return a part whose types and ranges are as they must be.

    Raises
    ------
    BundleError
        Names the file, the first key that does not fit, and what was found there.
    """
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        fault, *others = error.errors(include_url=False)
        place = ".".join(str(part) for part in fault["loc"]) or "it"
        shown = repr(fault["input"])[:_SHOWN] if fault["type"] != "missing" else "nothing"
        more = f" (and {len(others)} more faults)" if others else ""
        told = fault["msg"].removeprefix("Value error, ")
        raise BundleError(f"{name}: {place}: {told}, found {shown}{more}: restore it or train again") from error


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
