"""The form of a manifest: what each of its values may be, and what is wrong with one that is damaged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_DEEPEST: Final = 20
_SHOWN: Final = 60

TOO_DEEP: Final = f"it must be nested at most {_DEEPEST} deep"


def find_fault(content: Any, /, *, version: int, required: Collection[str], known: Collection[str]) -> str | None:
    """Return what is wrong with the JSON of a manifest, or None."""
    if not isinstance(content, dict):
        return f"it must hold one JSON object, found {type(content).__name__}"
    found = content.get("schema_version")
    if isinstance(found, bool) or found != version:
        return f"schema_version must be {version}, found {_shown(found)}"
    if _depth(content) > _DEEPEST:
        return TOO_DEEP
    missing, unknown = sorted(required - content.keys()), sorted(content.keys() - known)
    if missing or unknown:
        return f"{missing[0]} is missing" if missing else f"{_shown(unknown[0])} is no part of it"
    wrong = next((name for name, fits in _FORMS.items() if name in content and not fits(content[name])), None)
    return f"{wrong} must not be {_shown(content[wrong])}" if wrong else None


def _shown(value: Any) -> str:
    """Return a value as JSON has it, cut off where it is long."""
    text = json.dumps(value) if _depth(value) <= _DEEPEST else "something nested deeply"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _depth(value: Any) -> int:
    """Return how deep a JSON value is nested, level by level: a recursion would come to an end of its own."""
    depth, level = 0, [value]
    while level and depth <= _DEEPEST:
        depth += 1
        level = [inner for one in level if isinstance(one, dict | list) for inner in _values(one)]
    return depth


def _values(value: dict[str, Any] | list[Any]) -> Collection[Any]:
    return value.values() if isinstance(value, dict) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_count_or_none(value: Any) -> bool:
    return value is None or _is_count(value)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _is_mapping_to_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _is_mapping_to_texts_or_none(value: Any) -> bool:
    return isinstance(value, dict) and all(one is None or _is_text(one) for one in value.values())


_FORMS: Final[Mapping[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("program_version", "stage", "output", "fingerprint", "created", "digest"), _is_text),
    **dict.fromkeys(("bytes", "modified_ns"), _is_count),
    **dict.fromkeys(("settings", "counts"), _is_mapping),
    "inputs": _is_mapping_to_texts_or_none,
    "rows": _is_count_or_none,
    "attachments": _is_mapping_to_texts,
}
