"""The keys of a settings tree: which there are, which is meant, and their values one by one."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from purchase_pred.errors import ConfigError
from purchase_pred.likeness import likeness
from purchase_pred.settings.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo


def all_keys(tree: type[Section], /) -> list[str]:
    """Return the dotted keys of a tree, sections and rows by name included, in the order of their declaration.

    Examples
    --------
    >>> from purchase_pred.settings import Settings
    >>> [key for key in all_keys(Settings) if key.startswith("session") or key.endswith("buyer.share")]
    ['dataset.personas.buyer.share', 'session', 'session.inactivity_threshold_minutes']
    """
    keys = []
    for name, field in tree.model_fields.items():
        keys.append(name)
        section = _section_of(field)
        if section is not None:
            keys += [f"{name}.{key}" for key in all_keys(section)]
        row = _row_of(field)
        if row is not None:
            for label in field.default:
                keys += [f"{name}.{label}", *(f"{name}.{label}.{key}" for key in all_keys(row))]
    return keys


def nearest_key(tree: type[Section], key: str, /) -> str:
    """Return the valid key most like `key`, judged by the whole and by its last part.

    Examples
    --------
    >>> from purchase_pred.settings import Settings
    >>> nearest_key(Settings, "sesion.inactivity_treshold"), nearest_key(Settings, "num_users")
    ('session.inactivity_threshold_minutes', 'dataset.num_users')
    """
    return max(all_keys(tree), key=lambda valid: _likeness_of_keys(key, valid))


def nearest_row(tree: type[Section], key: str, /) -> tuple[str, list[str]] | None:
    """Return the shipped row most like a row that is not shipped, and what a row holds; None: `key` is no row.

    Examples
    --------
    >>> from purchase_pred.settings import Settings
    >>> nearest, fields = nearest_row(Settings, "dataset.personas.byer")
    >>> nearest, fields[:2]
    ('dataset.personas.buyer', ['share', 'idle_visits_per_week'])
    >>> nearest_row(Settings, "dataset.num_users") is None
    True
    """
    *above, last = key.split(".")
    fields = tree.model_fields
    for name in above[:-1]:
        section = _section_of(fields[name]) if name in fields else None
        fields = section.model_fields if section is not None else {}
    mapping = fields.get(above[-1]) if above else None
    row = _row_of(mapping) if mapping is not None else None
    if mapping is None or row is None:
        return None
    nearest = max(mapping.default, key=lambda label: _likeness_of_keys(last, label))
    return ".".join((*above, nearest)), list(row.model_fields)


def takes_text(tree: type[Section], key: str, /) -> bool:
    """Return whether the value of a key may be any text.

    Examples
    --------
    >>> from purchase_pred.settings import Settings
    >>> takes_text(Settings, "ingest.time_format"), takes_text(Settings, "ingest.decimal")
    (True, True)
    >>> takes_text(Settings, "features.windows"), takes_text(Settings, "dataset.num_users")
    (False, False)
    """
    *above, last = key.split(".")
    section: type[Section] | None = tree
    for name in above:
        field = section.model_fields.get(name) if section is not None else None
        section = _section_of(field) if field is not None else None
    field = section.model_fields.get(last) if section is not None else None
    if field is None:
        return False
    annotation: Any = field.annotation
    options = get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else (annotation,)
    plain = (getattr(option, "__origin__", option) if get_origin(option) is Annotated else option for option in options)
    return any(
        option is str or (get_origin(option) is Literal and all(isinstance(one, str) for one in get_args(option)))
        for option in plain
    )


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
    for key, place, row in _unknown(tree, values, "", places):
        above, _, last = key.rpartition(".")
        nearest = nearest_key(tree, key) if row is None else f"{above}.{nearest_key(row, last)}"
        raise ConfigError(f"{place}: unknown key {key!r}; did you mean {nearest!r}?")


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


def place_of(key: str, places: Mapping[str, str], /) -> str | None:
    """Return the place that set `key`, or held it (a whole section), or set something within it (a mapping).

    Examples
    --------
    >>> place_of("split.train", {"split": "mine.yaml:1"}), place_of("ingest.columns", {"ingest.columns.price": "--set"})
    ('mine.yaml:1', '--set')
    """
    parts = key.split(".")
    around = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    within = [name for name in reversed(list(places)) if name.startswith(f"{key}.")]
    return next((places[name] for name in (*around, *within) if name in places), None)


def leaves(tree: type[Section], values: Mapping[str, Any], /, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of a nested mapping with its dotted key; a mapping without fields is one value."""
    for name, value in values.items():
        field = tree.model_fields.get(name)
        section, row = (_section_of(field), _row_of(field)) if field is not None else (None, None)
        if section is not None and isinstance(value, dict):
            yield from leaves(section, value, f"{prefix}{name}.")
        elif row is not None and _holds_rows(value):
            for label, fields in value.items():
                yield from leaves(row, fields, f"{prefix}{name}.{label}.")
        else:
            yield f"{prefix}{name}", value


def _unknown(
    tree: type[Section], values: Mapping[str, Any], prefix: str, places: Mapping[str, str]
) -> Iterator[tuple[str, str, type[Section] | None]]:
    """Yield each unknown key with its place and, if it stands in a row, what a row is."""
    for name, value in values.items():
        key = f"{prefix}{name}"
        if name not in tree.model_fields:
            yield key, place_of(key, places) or "settings", None
            continue
        field = tree.model_fields[name]
        section, row = _section_of(field), _row_of(field)
        if row is not None and _holds_rows(value):
            for label, fields in value.items():
                inside = _unknown(row, fields, f"{key}.{label}.", places)
                yield from ((inner, place, row) for inner, place, _ in inside)
        if section is None or (value is None and not field.is_required()):
            continue
        if not isinstance(value, dict):
            inner = ", ".join(section.model_fields)
            raise ConfigError(
                f"{place_of(key, places) or 'settings'}: {key!r} must be a mapping of {inner}, found {value!r}"
            )
        yield from _unknown(section, value, f"{key}.", places)


def _section_of(field: FieldInfo) -> type[Section] | None:
    annotation: Any = field.annotation
    options = get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else (annotation,)
    sections = [option for option in options if isinstance(option, type) and issubclass(option, Section)]
    return sections[0] if len(sections) == 1 else None


def _row_of(field: FieldInfo) -> type[Section] | None:
    """Return what the rows of a mapping by name are; None: the field is no such mapping."""
    if get_origin(field.annotation) is not dict or not isinstance(field.default, Mapping):
        return None
    _, row = get_args(field.annotation)
    return row if isinstance(row, type) and issubclass(row, Section) else None


def _holds_rows(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(fields, dict) for fields in value.values())


def _likeness_of_keys(key: str, valid: str) -> float:
    last, valid_last = key.rpartition(".")[2], valid.rpartition(".")[2]
    return likeness(key, valid) + likeness(last, valid_last)
