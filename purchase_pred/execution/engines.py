"""Which of Polars' engines runs the plans."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purchase_pred.settings.execution import Engine

_GPU_PACKAGE: Final = "cudf_polars"


@contextmanager
def polars_engine(engine: Engine, /) -> Iterator[None]:
    """Let every plan that asks for no engine of its own run by this one; "auto": by the one that Polars is set to.

    So whoever has set Polars to an engine of his own, such as `polars.RemoteEngine`, keeps it.

    Raises
    ------
    ConfigError
        The GPU engine is not installed.
    """
    if engine == "auto":
        yield
        return
    if engine == "gpu" and find_spec(_GPU_PACKAGE) is None:
        raise ConfigError(
            f"execution.engine gpu needs the package {_GPU_PACKAGE}, which is not installed: install polars[gpu], "
            "or choose auto, streaming or in-memory"
        )
    with pl.Config():
        pl.Config.set_engine_affinity(engine)
        yield


def engine_for_shards(engine: Engine, /) -> Engine:
    """Return the engine for what fits memory, and is done sooner there than streamed.

    Examples
    --------
    >>> engine_for_shards("auto"), engine_for_shards("streaming")
    ('in-memory', 'streaming')
    """
    return "in-memory" if engine == "auto" else engine
