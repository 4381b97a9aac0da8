"""Plant faults into a quiet shop and tell which are found, by what, after how many days, and how quiet it is otherwise.

    python -m benchmarks.monitoring.run
    python -m benchmarks.monitoring.run --page

The limits are the defaults of `monitor.limits`. Every night is monitored as of midnight, days by all checks of the log,
rows by all checks of one model that was trained before any of them; nothing is trained anew. `--page` measures nothing
and writes the table into `docs/monitoring.md`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from benchmarks.monitoring.faults import FAULTS
from benchmarks.monitoring.page import write_page
from benchmarks.monitoring.shop import DAY, DAYS, START, TRAINED, Nights, Shop, open_shop, sessionized, train
from benchmarks.results import machine
from purchase_pred.monitoring.event_checks import check_days

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from purchase_pred.models import FittedModel

RESULTS: Final = Path(__file__).parents[1] / "results" / "monitoring.json"
QUIET: Final = range(121, 221)
"""The hundred nights on which nothing is wrong."""
PLANTED: Final = 150
"""The day on whose midnight a fault begins."""
AFTER: Final = (1, 2, 3, 4, 5, 7, 10, 14)
"""Nights since, on which it is looked for in the days of the log."""
ROWS_AFTER: Final = (2, 4, 7, 14)
"""Nights since, on which it is looked for in the model's rows too, which takes longer."""
SEED: Final = 1
PARTS: Final = ("faults", "fault-days", "days", "rows")
"""Planted faults; only the days of the log of them, what the rows said staying; quiet nights by days and by rows."""
DAY_CHECKS: Final = ("silent", "volume", "price", "hours", "concentration")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the JSON and the tables; what is not measured stays as it is in the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=("faults", "days", "rows"))
    parser.add_argument("--faults", nargs="+", metavar="TEXT", help="only the faults whose names hold one of these")
    parser.add_argument("--shops", type=int, default=3, help="shops whose quiet days are counted; default 3")
    parser.add_argument("--every", type=int, default=8, help="check the rows of every so many quiet nights; default 8")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="PATH")
    parser.add_argument("--page", action="store_true", help="only write the tables from the results")
    options = parser.parse_args(arguments)
    if not options.page:
        document = json.loads(options.json.read_text(encoding="utf-8")) if options.json.is_file() else {}
        for part in measure(options.parts, options.faults, document, shops=options.shops, every=options.every):
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(part, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if options.json == RESULTS:
        write_page(RESULTS)


def measure(
    parts: Collection[str], wanted: Sequence[str] | None, known: dict[str, Any], *, shops: int, every: int
) -> Iterator[dict[str, Any]]:
    """Yield the results again after each part that takes long: one that is cut off has not been for nothing."""
    shop = open_shop(seed=SEED)
    size = {"users": shop.users.height, "days": DAYS, "trained": TRAINED, "events": shop.events.height}
    document = {**known, "machine": machine(), "shop": size}
    model = train(shop) if {"faults", "rows"} & set(parts) else None
    if "faults" in parts and model is not None:
        before = known.get("faults", {})
        for name in (name for name in FAULTS if wanted is None or any(text in name for text in wanted)):
            before = before | {name: found(shop, model, name)}
            document["faults"] = {name: before[name] for name in FAULTS if name in before}
            yield document
    if "fault-days" in parts:
        for name, before in known["faults"].items():
            rows = {alarm: night for alarm, night in before.items() if alarm.partition(": ")[0] not in DAY_CHECKS}
            document["faults"] = {**document["faults"], name: found(shop, None, name) | rows}
        yield document
    if "days" in parts:
        seeds = range(SEED, SEED + shops)
        document["quiet_days"] = {str(seed): quiet(open_shop(seed=seed), None, QUIET) for seed in seeds}
        document["quiet_extremes"] = extremes(shops=shops)
        yield document
    if "rows" in parts and model is not None:
        document["quiet_rows"] = quiet(shop, model, QUIET[::every])
        yield document


def found(shop: Shop, model: FittedModel | None, name: str) -> dict[str, int]:
    """Return each check and subject that raised an alarm, with the night since the fault on which it first did."""
    start = START + PLANTED * DAY
    nights = Nights(shop, FAULTS[name](shop.events, start), model=model, first=start)
    first: dict[str, int] = {}
    for night in AFTER:
        as_of = start + night * DAY
        raised = nights.findings(as_of, rows=False)
        if model is not None and night in ROWS_AFTER:
            raised += nights.findings(as_of, rows=True)
        alarms = [": ".join(alarm) for alarm in raised]
        print(name, night, alarms, file=sys.stderr, flush=True)
        for alarm in alarms:
            first.setdefault(alarm, night)
    return first


def quiet(shop: Shop, model: FittedModel | None, nights: Iterable[int]) -> dict[str, Any]:
    """Return on how many nights nothing was wrong, and the alarms that there were all the same."""
    chosen = list(nights)
    watched = Nights(shop, shop.events, model=model, first=START + chosen[0] * DAY)
    alarms = {}
    for night in chosen:
        as_of = START + night * DAY
        raised = watched.findings(as_of, rows=model is not None)
        if raised:
            alarms[str(night)] = [": ".join(alarm) for alarm in raised]
            print("quiet", night, raised, file=sys.stderr, flush=True)
    return {"nights": len(chosen), "alarms": alarms}


def extremes(*, shops: int) -> list[dict[str, Any]]:
    """Return how odd the oddest of all quiet days was in each check, and how large the largest, alarm or not."""
    days = pl.concat(
        [
            check_days(
                sessionized(shop.events).lazy(), as_of=START + night * DAY, settings=shop.settings.monitor
            ).compared
            for shop in (open_shop(seed=seed) for seed in range(SEED, SEED + shops))
            for night in QUIET[6::7]
        ]
    )
    ratio = pl.col("figure") / pl.col("expected")
    is_share = pl.col("check").is_in(["hours", "concentration"]) | (pl.col("subject") == "price jumps")
    size = (
        pl.when(is_share).then(pl.col("figure") - pl.col("expected")).otherwise(pl.max_horizontal(ratio, 1.0 / ratio))
    )
    return (
        days.group_by("check", "subject", maintain_order=True)
        .agg(
            days=pl.len(),
            expected=pl.col("expected").median().round(3),
            deviation=pl.col("deviation").abs().max().round(2),
            size=size.filter(size.is_finite()).max().round(3),
        )
        .sort("check", "subject")
        .to_dicts()
    )


if __name__ == "__main__":
    main()
