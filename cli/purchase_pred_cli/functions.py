"""Functions of the user's own, named on the command line."""

import sys
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any


def function_named(name: str, /) -> Callable[..., Any]:
    """Import a function given as ``module:function``, from the working directory or from what is installed.

    Raises
    ------
    ConfigError
        There is no such module or function.
    """
    from purchase_pred.errors import ConfigError

    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Callable[..., Any] | None = resolve_name(name) if ":" in name else None
    except (ImportError, AttributeError, ValueError) as error:
        reason = str(error)
    else:
        if callable(found):
            return found
        reason = "it has no colon" if found is None else "it is no function"
    raise ConfigError(
        f"--function must name a function as module:function, importable from here, found {name!r}: {reason}"
    )
