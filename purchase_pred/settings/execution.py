"""Settings of how the work is done; no output depends on them."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from purchase_pred.settings.section import Section
from purchase_pred.sizes import parse_size

Engine = Literal["auto", "streaming", "in-memory", "gpu"]
Backend = Literal["local", "dask"]

_ADDRESS: Final = re.compile(r"tcp://[^/\s]+:\d+")


def _size(text: str) -> str:
    if text != "auto":
        parse_size(text)
    return text


def _address(text: str) -> str:
    if "@" in text:  # and is not repeated: it would reach logs and manifests
        raise ValueError("the address of a scheduler holds no user and no password; found an '@' in it")
    if not _ADDRESS.fullmatch(text):
        raise ValueError(f"the address of a scheduler is such as 'tcp://127.0.0.1:8786', found {text!r}")
    return text


class DaskSettings(Section):
    """The cluster that does the work where `backend` is "dask"."""

    scheduler: Annotated[str, AfterValidator(_address)] | None = None
    """Address of its scheduler, such as "tcp://10.0.0.1:8786"; null: a cluster on this machine, for as long as a stage
    runs."""


class ExecutionSettings(Section):
    """How much memory the work may take, who does it and with which engine; outputs are the same whatever is set."""

    memory_limit: Annotated[str, AfterValidator(_size)] = "auto"
    """What a stage may take, such as "4GB"; "auto": three quarters of the memory of the machine or its cgroup."""
    backend: Backend = "local"
    """Who makes the shards: threads of this process, or the workers of Dask (extra `dask`)."""
    dask: DaskSettings = DaskSettings()
    engine: Engine = "auto"
    """Polars' engine; "auto": streaming for whole logs, in memory for what fits it; "gpu" needs Polars' GPU engine."""
    max_rows: int = Field(default=50_000_000, ge=1)
    """Prediction points on a calendar beyond which nothing is begun: `anchors.every: 1m` is a minute, not a month."""
