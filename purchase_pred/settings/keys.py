"""The keys of a settings tree: which there are, which is meant, and their values one by one."""

from __future__ import annotations

import types
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from purchase_pred.errors import ConfigError
from purchase_pred.settings.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo


def all_keys(tree: type[Section], /) -> list[str]:
    """Return the dotted keys of a tree, sections included, in the order of their declaration.

    Examples
    --------
    >>> from purchase_pred.settings import Settings
    >>> [key for key in all_keys(Settings) if key.startswith("session")]
    ['session', 'session.inactivity_threshold_minutes']
    """
    keys = []
    for name, field in tree.model_fields.items():
        keys.append(name)
        section = _section_of(field)
        if section is not None:
            keys += [f"{name}.{key}" for key in all_keys(section)]
    return keys


def nearest_key(tree: type[Section], key: str, /) -> str:
    """Return the valid key most like `key`, judged by the whole and by its last part.

    Examples
    --------
    >>> from purchase_pred.settings import Settings
    >>> nearest_key(Settings, "sesion.inactivity_treshold"), nearest_key(Settings, "num_users")
    ('session.inactivity_threshold_minutes', 'dataset.num_users')
    """
    return max(all_keys(tree), key=lambda valid: _likeness(key, valid))


def check_keys(tree: type[Section], values: Mapping[str, Any], places: Mapping[str, str], /) -> None:
    """Raise unless every key of the nested `values` is a key of the tree.

    Parameters
    ----------
    tree
        The settings class.
    values
        Nested mappings; the values themselves are not checked here.
    places
        Dotted key to the place that set it, for the message.

    Raises
    ------
    ConfigError
        Names the place, the unknown key and the nearest valid one; or the section that is not a mapping.
    """
    for key, place in _unknown(tree, values, "", places):
        raise ConfigError(f"{place}: unknown key {key!r}; did you mean {nearest_key(tree, key)!r}?")


def without_empty_sections(tree: type[Section], values: Mapping[str, Any], /) -> dict[str, Any]:
    """Return nested values without sections of nothing, which YAML reads as null: ``session:`` and no more.

    Examples
    --------
    >>> from purchase_pred.settings import Settings
    >>> without_empty_sections(Settings, {"session": None, "target": {"sessions": None}})
    {'target': {'sessions': None}}
    """
    kept = {}
    for name, value in values.items():
        field = tree.model_fields[name]
        section = _section_of(field)
        if isinstance(value, dict) and section is not None:
            kept[name] = without_empty_sections(section, value)
        elif value is not None or section is None or field.annotation is not section:
            kept[name] = value
    return kept


def leaves(tree: type[Section], values: Mapping[str, Any], /, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of a complete nested mapping with its dotted key; a mapping without fields is one value."""
    for name, value in values.items():
        section = _section_of(tree.model_fields[name]) if name in tree.model_fields else None
        if section is not None and isinstance(value, dict):
            yield from leaves(section, value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _unknown(
    tree: type[Section], values: Mapping[str, Any], prefix: str, places: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        key = f"{prefix}{name}"
        if name not in tree.model_fields:
            yield key, _place(key, places)
            continue
        field = tree.model_fields[name]
        section = _section_of(field)
        if section is None or (value is None and not field.is_required()):
            continue
        if not isinstance(value, dict):
            inner = ", ".join(section.model_fields)
            raise ConfigError(f"{_place(key, places)}: {key!r} must be a mapping of {inner}, found {value!r}")
        yield from _unknown(section, value, f"{key}.", places)


def _place(key: str, places: Mapping[str, str]) -> str:
    within = (place for name, place in places.items() if name == key or name.startswith(f"{key}."))
    return next(within, "settings")


def _section_of(field: FieldInfo) -> type[Section] | None:
    annotation: Any = field.annotation
    options = get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else (annotation,)
    sections = [option for option in options if isinstance(option, type) and issubclass(option, Section)]
    return sections[0] if len(sections) == 1 else None


def _likeness(key: str, valid: str) -> float:
    last, valid_last = key.rpartition(".")[2], valid.rpartition(".")[2]
    return SequenceMatcher(None, key, valid).ratio() + SequenceMatcher(None, last, valid_last).ratio()
