"""Settings of how the work is done; no output depends on them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from purchase_pred.settings.section import Section
from purchase_pred.sizes import parse_size

Engine = Literal["auto", "streaming", "in-memory", "gpu"]


def _size(text: str) -> str:
    if text != "auto":
        parse_size(text)
    return text


class ExecutionSettings(Section):
    """How much memory the work may take, and which engine of Polars does it; outputs are the same whatever is set."""

    memory_limit: Annotated[str, AfterValidator(_size)] = "auto"
    """What a stage may take, such as "4GB"; "auto": three quarters of the memory of the machine or its cgroup."""
    engine: Engine = "auto"
    """Polars' engine; "auto": streaming for whole logs, in memory for what fits it; "gpu" needs Polars' GPU engine."""
    max_rows: int = Field(default=50_000_000, ge=1)
    """Prediction points on a calendar beyond which nothing is begun: `anchors.every: 1m` is a minute, not a month."""
