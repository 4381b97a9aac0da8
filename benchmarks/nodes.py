"""Where the time of a Polars query goes, by kind of node of the streaming engine, from the metrics it logs."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

METRICS: Final = {"POLARS_TRACK_METRICS": "1", "POLARS_LOG_METRICS": "1"}
"""Environment in which the streaming engine writes a line of metrics per node to standard error."""

_SECONDS: Final = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_NODE: Final = re.compile(
    r"^(?P<kind>[a-z][\w-]*)(?:\[.*\])?: tot\((?P<time>[\d.]+)(?P<unit>ns|µs|ms|s)\)", re.MULTILINE
)


def seconds_by_kind(logged: str) -> dict[str, float]:
    """Return the seconds that all nodes of a kind took on all threads together, largest first."""
    seconds: Counter[str] = Counter()
    for node in _NODE.finditer(logged):
        seconds[node["kind"]] += float(node["time"]) * _SECONDS[node["unit"]]
    return dict(seconds.most_common())
