"""YAML files of settings: where they lie, and their values with the line of each key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from purchase_pred.errors import ConfigError
from purchase_pred.settings.yaml_limits import MOST_CHARACTERS, YamlLimitError, check_yaml_limits

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIPPED_FILES: Final = ("data_generation.yaml", "feature_engineering.yaml", "model_training.yaml", "monitoring.yaml")


def shipped_config_files() -> tuple[Path, ...]:
    """Return the shipped YAML files: inside an installed wheel, or at the top of the source tree.

    Examples
    --------
    >>> [path.name for path in shipped_config_files()]
    ['data_generation.yaml', 'feature_engineering.yaml', 'model_training.yaml', 'monitoring.yaml']
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / "configs"
    folder = installed if installed.is_dir() else package.parent / "configs"
    return tuple(folder / name for name in SHIPPED_FILES)


def parse_value(text: str, /) -> Any:
    """Return the value that a YAML text stands for.

    Raises
    ------
    YamlLimitError, yaml.YAMLError
        As for `check_yaml_limits`.

    Examples
    --------
    >>> parse_value("30"), parse_value("[1d, 7d]"), parse_value("null"), parse_value("2024-13-45")
    (30, ['1d', '7d'], None, '2024-13-45')
    """
    check_yaml_limits(text)
    return yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)


def read_yaml(path: Path, /) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the nested mapping that a YAML file holds, and the line (from 1) of every dotted key.

    Raises
    ------
    ConfigError
        The file is missing, unreadable, too large, no YAML, no mapping, or holds a key twice; names the file and the
        line.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file; `purchase-pred config init` writes the defaults") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read: {reason}") from error
    try:
        check_yaml_limits(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(root, "", path)) if root is not None else {}
        values = parse_value(text)
    except YamlLimitError as error:
        raise ConfigError(f"{path}: {error}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"{path}:{line}: this is not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path}: this is not YAML: {' '.join(str(error).split())}") from error
    if values is None:
        return {}, {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}:1: the file must hold a mapping of settings, found {type(values).__name__}")
    return values, lines


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML comes without types
    """What looks like a date and is none, such as 2024-13-45, stays text, so that the setting can say what is wrong."""

    def construct_yaml_timestamp(self, node: yaml.Node) -> Any:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            return self.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_timestamp)


def _lines(node: yaml.Node, prefix: str, path: Path) -> Iterator[tuple[str, int]]:
    if not isinstance(node, yaml.MappingNode):
        return
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node.value, str) or key_node.tag != "tag:yaml.org,2002:str":
            raise ConfigError(f"{path}:{line}: a key must be a word, found {key_node.value!r}")
        name = key_node.value
        if name in seen:
            raise ConfigError(f"{path}:{line}: key {prefix + name!r} stands twice, first on line {seen[name]}")
        seen[name] = line
        yield f"{prefix}{name}", line
        yield from _lines(value_node, f"{prefix}{name}.", path)
