"""The paths of a log: globs expanded, streams copied into files, every fault of a name told."""

from __future__ import annotations

import atexit
import shutil
from glob import glob
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Final

from purchase_pred.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_SHOWN: Final = 120


def expand_paths(paths: Sequence[str | Path], /) -> tuple[Path, ...]:
    """Return the files that paths and globs stand for, in the given order, those of one glob by name.

    A pipe, such as ``/dev/stdin`` or a named one, can be read only once, and a log is read several times: it is copied
    into a temporary file, which is removed when the program ends.

    Raises
    ------
    InputError
        No path, a missing file, a folder, a glob that matches nothing, a home folder of nobody, or a name that is too
        long or no UTF-8 text.
    """
    if not paths:
        raise InputError("a log needs at least one file, found none; name files or globs such as 'logs/*.csv.gz'")
    return tuple(path for pattern in paths for path in _expand(pattern))


def _expand(pattern: str | Path) -> list[Path]:
    _check_name(pattern)
    try:
        path = Path(pattern).expanduser()
        if path.is_dir():
            raise InputError(f"{path}: a file is required, found a folder; name its files, such as '{path}/*.csv'")
        if path.is_file():
            return [path]
        if path.exists():
            return [_copied(path)]
    except RuntimeError as error:
        raise InputError(f"{pattern}: there is no such user, or no home folder; write the whole path") from error
    except OSError as error:
        raise InputError(f"{_shown(pattern)}: cannot be read ({error.strerror or error})") from error
    return _matches(path)


def _matches(path: Path) -> list[Path]:
    pattern = str(path)
    if not any(sign in pattern for sign in "*?["):
        raise InputError(f"{path}: no such file")
    found = glob(pattern, recursive=True)  # noqa: PTH207  (Path.glob wants the fixed part of the path cut off)
    matches = sorted(Path(match) for match in found if Path(match).is_file())
    if not matches:
        raise InputError(f"{pattern}: the pattern matches no file")
    for match in matches:
        _check_name(match)
    return matches


def _copied(stream: Path) -> Path:
    with (
        stream.open("rb") as source,
        NamedTemporaryFile(prefix="purchase-pred-", suffix=f"-{stream.name}", delete=False) as copy,
    ):
        path = Path(copy.name)
        atexit.register(path.unlink, missing_ok=True)
        shutil.copyfileobj(source, copy)
    return path


def _check_name(name: str | Path) -> None:
    try:
        str(name).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{_shown(name)}: the name is not UTF-8 text; rename the file") from error


def _shown(name: str | Path) -> str:
    text = str(name).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
