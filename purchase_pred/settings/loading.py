"""Settings from files, environment and command line, each value with the place it came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from purchase_pred.errors import ConfigError
from purchase_pred.settings.keys import (
    check_keys,
    leaves,
    nearest_key,
    nearest_row,
    place_of,
    takes_text,
    without_empty_sections,
)
from purchase_pred.settings.tree import Settings
from purchase_pred.settings.yaml_files import parse_value, read_yaml
from purchase_pred.settings.yaml_limits import YamlLimitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pydantic.fields import FieldInfo

ENVIRONMENT_PREFIX: Final = "PURCHASE_PRED_"
ENVIRONMENT_NESTING: Final = "__"
DEFAULT_ORIGIN: Final = "default"


@dataclass(frozen=True)
class ResolvedSettings:
    """The settings of a run, and where each value came from."""

    settings: Settings
    origins: Mapping[str, str]
    """Dotted key to "default", "FILE:LINE", "environment PURCHASE_PRED_..." or "--set", for every value."""


def resolve_settings(*, files: Sequence[Path] = (), assignments: Sequence[str] = ()) -> ResolvedSettings:
    """Return the settings: `assignments` over the environment over `files` over the defaults.

    Parameters
    ----------
    files
        YAML files holding any part of the tree, merged deeply from left to right; lists are replaced, not joined.
    assignments
        ``"key.path=value"`` texts, from left to right; the value is YAML (``30``, ``[1d, 7d]``, ``null``). What is no
        YAML is text where a text is wanted: ``ingest.time_format=%d.%m.%Y``.

    Raises
    ------
    ConfigError
        A file is missing or unreadable, a key is unknown (the nearest valid key is named), or a value is of the
        wrong type or out of bounds; the message names the file and line, variable or option to mend.

    Examples
    --------
    >>> resolved = resolve_settings(assignments=["session.inactivity_threshold_minutes=15"])
    >>> resolved.settings.session.inactivity_threshold_minutes
    15.0
    >>> resolved.origins["session.inactivity_threshold_minutes"], resolved.origins["split.train"]
    ('--set', 'default')
    """
    return _resolve(_layers(files, assignments))


def load_settings(*files: str | Path, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings tree: `overrides` over the environment over `files` over the defaults.

    Parameters
    ----------
    *files
        YAML files holding any part of the tree, merged deeply from left to right; lists are replaced, not joined.
    overrides
        Dotted key to value: ``{"target.level": "user"}``.

    Raises
    ------
    ConfigError
        As for `resolve_settings`.

    Examples
    --------
    >>> load_settings(overrides={"target.level": "user", "target.horizon": "36h"}).target.horizon
    datetime.timedelta(days=1, seconds=43200)
    """
    given = [(_nested(key, value), {key: "overrides"}) for key, value in (overrides or {}).items()]
    return _resolve([*_layers([Path(file) for file in files], ()), *given]).settings


def _resolve(layers: Iterable[tuple[dict[str, Any], dict[str, str]]]) -> ResolvedSettings:
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for values, places in layers:
        check_keys(Settings, values, places)
        _merge(merged, without_empty_sections(Settings, values))
        origins |= places | {key: place_of(key, places) or DEFAULT_ORIGIN for key, _ in leaves(Settings, values)}
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, origins)) from error
    return ResolvedSettings(settings, {key: origins.get(key, DEFAULT_ORIGIN) for key in flat_settings(settings)})


def flat_settings(settings: Settings, /) -> dict[str, Any]:
    """Return every value of the tree by its dotted key, as JSON would hold it.

    Examples
    --------
    >>> flat_settings(Settings())["dataset.start_date"]
    '2024-08-01'
    """
    return dict(leaves(Settings, settings.model_dump(mode="json")))


def _layers(files: Sequence[Path], assignments: Sequence[str]) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    for path in files:
        values, lines = read_yaml(path)
        yield values, {key: f"{path}:{line}" for key, line in lines.items()}
    yield _environment()
    for assignment in assignments:
        yield _assignment(assignment)


class _Environment(Settings, BaseSettings):
    """The tree as pydantic-settings looks for it in the environment."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter=ENVIRONMENT_NESTING,
        env_parse_none_str="null",
    )


class _EnvironmentSource(EnvSettingsSource):
    """Lists and mappings in the environment are written in YAML, as they are for `--set`."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ARG002  (its base's)
        return parse_value(value)


def _environment() -> tuple[dict[str, Any], dict[str, str]]:
    source = _EnvironmentSource(_Environment)
    places = {}
    for name in source.env_vars:
        if name.startswith(ENVIRONMENT_PREFIX.lower()):
            key = name.removeprefix(ENVIRONMENT_PREFIX.lower()).replace(ENVIRONMENT_NESTING, ".")
            places[key] = f"environment {name.upper()}"
    known = set(Settings.model_fields)
    for key, place in places.items():
        if key.split(".")[0] not in known:
            raise ConfigError(f"{place}: unknown key {key!r}; did you mean {nearest_key(Settings, key)!r}?")
    try:
        return source(), places
    except YamlLimitError as error:
        raise ConfigError(f"{', '.join(sorted(places.values()))}: {error}") from error
    except (SettingsError, yaml.YAMLError) as error:
        found = ", ".join(sorted(places.values()))
        raise ConfigError(f"{found}: a value must be YAML, such as 30 or [1d, 7d]: {error}") from error


def _assignment(assignment: str) -> tuple[dict[str, Any], dict[str, str]]:
    key, equals, text = assignment.partition("=")
    key = key.strip()
    if not equals or not key:
        raise ConfigError(f"--set must be key.path=value, found {assignment!r}")
    try:
        value = parse_value(text)
    except YamlLimitError as error:
        raise ConfigError(f"--set {key}: {error}") from error
    except yaml.YAMLError as error:
        if takes_text(Settings, key):  # such as a time format, in which YAML would see a directive
            return _nested(key, text), {key: "--set"}
        reason = " ".join(str(error).split())
        raise ConfigError(f"--set {key}: the value must be YAML, such as 30 or [1d, 7d]: {reason}") from error
    return _nested(key, value), {key: "--set"}


def _nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def _merge(base: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict):
            if not isinstance(base.get(key), dict):
                base[key] = {}
            _merge(base[key], value)
        else:
            base[key] = value


def _explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    told = (_explain_row(fault, origins) or _explain_one(fault, origins) for fault in error.errors())
    return "; ".join(dict.fromkeys(told))


def _explain_row(fault: Any, origins: Mapping[str, str]) -> str | None:
    """Explain a row of which a value is missing, all its faults alike: its name is a new one, or mistyped."""
    key = ".".join(str(part) for part in fault["loc"][:-1])
    found = nearest_row(Settings, key) if fault["type"] == "missing" else None
    if found is None:
        return None
    nearest, fields = found
    return (
        f"{place_of(key, origins) or DEFAULT_ORIGIN}: unknown key {key!r}; did you mean {nearest!r}? "
        f"A new one needs {', '.join(fields)}, found {', '.join(fault['input']) or 'none of them'}"
    )


def _explain_one(fault: Any, origins: Mapping[str, str]) -> str:
    key = ".".join(str(part) for part in fault["loc"]) or "settings"
    place = place_of(key, origins) or DEFAULT_ORIGIN
    hint = "; a list is written [a, b]" if fault["type"] in {"tuple_type", "list_type"} else ""
    found = "" if fault["type"] == "value_error" else f", found {fault['input']!r}"
    return f"{place}: {key}: {fault['msg'].removeprefix('Value error, ')}{found}{hint}"
