"""Thirty nights on a small synthetic shop, each shown by a row: what was appended, judged, trained and listed.

    python -m benchmarks.nights.run

The shop is made once and delivered day by day. The table goes into docs/nightly.md with `--page`.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.nights.page import write_block
from benchmarks.nights.quiet import night
from benchmarks.nights.world import deliveries, make_shop
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.tasks.scoring.score_list import AskedRules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purchase_pred.pipeline.tasks.night.run import Night

FIRST_DAYS: Final = 40
USERS: Final = 400
SETTINGS: Final = (
    *("target.horizon=3d", "train.models=[logistic, lightgbm]", "train.threads=1"),
    "nightly.keep_models=2",
)
LIST: Final = AskedRules(top_per_user=3, exclude_bought="30d")
COLUMNS: Final = ("night", "events", "list as of", "model in use", "judged", "trained", "put in use", "list", "s")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the nights and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--page", action="store_true", help="write the table into docs/nightly.md")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events = make_shop(folder / "shop", users=options.users, days=FIRST_DAYS + options.nights, seed=42)
        lines = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
        print("\n".join(lines))
        for number, delivery in enumerate(deliveries(events, folder / "files", first_days=FIRST_DAYS)):
            done = night(Workspace(folder / "nights"), delivery.file, SETTINGS, LIST)
            lines.append(row(number, done))
            print(lines[-1], flush=True)
    if options.page:
        write_block("nights", lines)


def row(number: int, done: Night) -> str:
    """Return what a night did as a row of the table."""
    judged = done.judged
    told = "" if judged is None else f"{_figure(judged.average_precision)} of {judged.positives:,} / {judged.rows:,}"
    why = "first" if not number else "limit" if done.limits else "age"
    promotion = "" if done.promotion is None else "yes" if done.promotion.promoted else "no"
    cells = (
        number,
        f"{done.log.added:,}",
        f"{done.list.as_of:%m-%d %H:%M}" if done.list else "",
        done.model or "",
        told,
        f"{len(done.training.models)} ({why})" if done.training.models else "",
        promotion,
        f"{done.list.rows:,}" if done.list else "",
        f"{done.seconds:.1f}",
    )
    return f"| {' | '.join(map(str, cells))} |"


def _figure(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
