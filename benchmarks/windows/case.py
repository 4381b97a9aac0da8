"""Run one peer once, in this process of its own, and print what it took as one line of JSON.

Needs no more than numpy and the peer, so that `windows.py` can start it with any interpreter.
"""

from __future__ import annotations

import argparse
import json
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.memory import Peak

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Warm the peer up on a small log, load, compute, and print seconds and bytes, or why it cannot run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer")
    parser.add_argument("order", choices=["sorted", "shuffled"])
    parser.add_argument("--log", type=Path, required=True, help="folder of the log to measure on")
    parser.add_argument("--warm-up", type=Path, required=True, help="folder of a small log")
    parser.add_argument("--counts", type=Path, help="where to put the counts, as .npy")
    options = parser.parse_args(arguments)
    try:
        peer = import_module(f"benchmarks.windows.peers.{options.peer}")
    except ImportError as reason:
        print(json.dumps({"skipped": str(reason)}))
        return
    peer.compute(load(peer, options.warm_up, options.order))
    loaded = load(peer, options.log, options.order)
    with Peak() as peak:
        start, start_cpu = time.perf_counter(), time.process_time()
        result = peer.compute(loaded)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    counts = peer.counts(result)
    if options.counts:
        np.save(options.counts, counts.astype(np.int64))
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
                "peak_bytes": peak.bytes,
                "bytes_above_loaded": peak.bytes - peak.bytes_before,
                "anchors": len(counts),
                "versions": {name: version(name) for name in peer.DISTRIBUTIONS},
            }
        )
    )


def load(peer: Any, folder: Path, order: str) -> Any:
    """Let the peer read the log of a folder."""
    return peer.load(folder / f"{order}.parquet", folder / "anchors.parquet", order)


if __name__ == "__main__":
    main()
