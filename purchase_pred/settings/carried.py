"""The settings that feature files and models carry: what their rows and features were made with."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic import ValidationError

from purchase_pred.errors import ConfigError
from purchase_pred.settings.loading import DEFAULT_ORIGIN, flat_settings
from purchase_pred.settings.tree import Settings
from purchase_pred.settings.yaml_files import parse_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.settings.loading import ResolvedSettings

FEATURE_SECTIONS: Final = ("session", "split", "anchors", "target", "features")
"""The sections that prediction points, labels, splits and features depend on."""


def carried_settings(settings: Settings, /) -> dict[str, Any]:
    """Return every value that rows and features depend on, by dotted key, as JSON holds it.

    Examples
    --------
    >>> carried_settings(Settings())["target.horizon"], "train.random_seed" in carried_settings(Settings())
    ('7d', False)
    """
    return {key: value for key, value in flat_settings(settings).items() if key.partition(".")[0] in FEATURE_SECTIONS}


def restored_settings(carried: Mapping[str, Any], settings: Settings, /, *, owner: str) -> Settings:
    """Return the settings with the sections that were carried in place of their own.

    A key that was not carried did not exist then, and has its default, which leaves everything as it was.

    Parameters
    ----------
    carried
        What `carried_settings` once returned.
    settings
        Where all other sections come from.
    owner
        What carries them, for the message.

    Raises
    ------
    ConfigError
        They are no settings of this version.
    """
    values = settings.model_dump(mode="json") | {name: {} for name in FEATURE_SECTIONS}
    for key, value in carried.items():
        *above, last = key.split(".")
        section = values
        for name in above:
            section = section.setdefault(name, {})
        section[last] = value
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(part) for part in fault["loc"])
        raise ConfigError(
            f"{owner} was made with settings that this version does not take: {key}: {fault['msg']}; make it anew"
        ) from error


def differing_settings(carried: Settings, asked: Settings, /) -> dict[str, tuple[Any, Any]]:
    """Return each key of the carried sections whose values differ, with the carried value and the one asked for.

    Examples
    --------
    >>> asked = Settings.model_validate({"target": {"horizon": "3d"}})
    >>> differing_settings(Settings(), asked)
    {'target.horizon': ('7d', '3d')}
    """
    before, now = carried_settings(carried), carried_settings(asked)
    return {key: (before.get(key), now.get(key)) for key in before | now if before.get(key) != now.get(key)}


def adopted_settings(resolved: ResolvedSettings, carried: Mapping[str, Any], /, *, owner: str) -> Settings:
    """Return the settings with what a model carries as their defaults.

    Raises
    ------
    ConfigError
        A file, the environment or ``--set`` gives a value of these sections that differs from the carried one; names
        both.
    """
    adopted = restored_settings(carried, resolved.settings, owner=owner)
    refused = [
        f"{key} {shown(value)}, {resolved.origins[key]} gives {shown(asked)}"
        for key, (value, asked) in differing_settings(adopted, resolved.settings).items()
        if resolved.origins.get(key, DEFAULT_ORIGIN) != DEFAULT_ORIGIN
    ]
    if refused:
        raise ConfigError(
            f"{owner} was trained with {'; with '.join(refused)}: leave it out, since a model brings the settings that "
            f"its features depend on, or train another by `purchase-pred run all`"
        )
    return adopted


def options_for(settings: Settings, /) -> str:
    """Return the options that give the carried sections these values, as they are typed into a shell.

    Examples
    --------
    >>> options_for(Settings.model_validate({"target": {"horizon": "3d", "sessions": 1}}))
    '--set target.horizon=3d --set target.sessions=1'
    """
    changed = differing_settings(settings, Settings())
    return " ".join(f"--set {shlex.quote(f'{key}={shown(value)}')}" for key, (value, _) in changed.items())


def shown(value: Any, /) -> str:
    """Return a value as it is written in YAML, on one line.

    Examples
    --------
    >>> shown("7d"), shown(None), shown(["1d", "7d"]), shown("7")
    ('7d', 'null', '[1d, 7d]', "'7'")
    """
    if isinstance(value, str) and parse_value(value) == value:
        return value
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=float("inf"), allow_unicode=True)
    return text.removesuffix("...\n").strip()
