"""Paths as users give them, checked before anything is read or written."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from purchase_pred_cli.failures import report_usage
from purchase_pred_cli.safe_text import safe_text

_LONGEST_NAME = 255
_LONGEST_PATH = 4095
_SHOWN = 60
_CHECKED = {"workspace": "--workspace", "config": "--config", "output": "--output", "folder": "FOLDER"}


def checked_paths(given: Mapping[str, Any], /, *, as_json: bool) -> dict[str, Any]:
    """Return what was given, home folders written out, or end the command where a path can be no name of a file.

    Raises
    ------
    Exit
        A name is too long or no UTF-8 text, there is no such home folder, or the working folder is gone.
    """
    faults = list(_address_faults(given.get("workspace")))
    paths = [(name, path) for name in _CHECKED for path in _paths(given.get(name))]
    faults += [f"{_CHECKED[name]}: {fault}" for name, path in paths for fault in _faults(path)]
    faults = faults or list(_working_folder_faults())
    if faults:
        report_usage(faults[0], as_json=as_json)
    return {name: _written_out(value) if name in _CHECKED else value for name, value in given.items()}


def _paths(value: Any) -> list[Path]:
    return [path for path in (value if isinstance(value, list) else [value]) if isinstance(path, Path)]


def _faults(path: Path) -> Iterator[str]:
    text = str(path)
    shown = safe_text(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
    try:
        longest, total = max((len(part.encode()) for part in path.parts), default=0), len(text.encode())
    except UnicodeEncodeError:
        yield f"a path must be UTF-8 text, found '{shown}'"
        return
    if longest > _LONGEST_NAME or total > _LONGEST_PATH:
        yield (
            f"a path must be at most {_LONGEST_PATH:,} bytes long and each name in it {_LONGEST_NAME}, "
            f"found {total:,} and {longest:,}: '{shown}'"
        )
    elif text.startswith("~") and not _has_home(path):
        yield f"there is no home folder '{shown}'; write the whole path, or ./{shown} for a name that begins so"


def _address_faults(workspace: Any) -> Iterator[str]:
    from purchase_pred.errors import ConfigError
    from purchase_pred.pipeline.store.address import store_address

    try:
        store_address(workspace or Path())
    except ConfigError as error:
        yield str(error)


def _has_home(path: Path) -> bool:
    try:
        return Path(path.parts[0]).expanduser().is_dir()
    except RuntimeError:
        return False


def _working_folder_faults() -> Iterator[str]:
    try:
        Path.cwd()
    except OSError:
        yield "the working folder is gone: change to a folder that is there, and try again"


def _written_out(value: Any) -> Any:
    if isinstance(value, list):
        return [_written_out(one) for one in value]
    return value.expanduser() if isinstance(value, Path) else value
