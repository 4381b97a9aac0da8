"""A shop whose log is delivered night by night, with events that come late or twice and rows that are none."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, EVENTS_FILE
from purchase_pred.schema import CATEGORY, EVENT_ID, ITEM_ID, TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY: Final = ("user_id", TIMESTAMP, "event_type", ITEM_ID, "price", "duration_seconds")
"""What the log tells of an event; no two events of the shop are the same in it."""
LONGEST_DELAY: Final = 3


@dataclass(frozen=True)
class Faults:
    """How what is delivered differs from the events of the day."""

    late: float = 0.0
    """Share of events that come one to three nights later."""
    doubled: float = 0.0
    """Share of events that come again, in the same file or in that of the next night."""
    dirt: float = 0.0
    """Rows that are no events, as a share of the others."""
    silent_every: int = 0
    """So often nothing but a header comes, and the events of the day the night after; 0: never."""


@dataclass(frozen=True, eq=False)
class Delivery:
    """The file of a night, and what was put into it."""

    file: Path
    events: pl.DataFrame
    """The events in it, those that come twice twice."""
    late: int
    """Events of the day that are held back for a later night."""
    dirt: int
    """Rows in it that are no events."""


def make_shop(folder: Path, *, users: int, days: int, seed: int) -> pl.DataFrame:
    """Return the events of a synthetic shop, each once, by time, with the categories of the items."""
    settings = {"dataset.num_users": users, "dataset.num_days": days, "dataset.random_seed": seed}
    assigned = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "purchase_pred", "generate", "--workspace", str(folder), "--quiet", *assigned]
    subprocess.run(command, check=True)
    catalog = pl.scan_parquet(folder / CATALOG_FILE).select(ITEM_ID, CATEGORY)
    events = pl.scan_parquet(folder / EVENTS_FILE).sort(TIMESTAMP, EVENT_ID).drop(EVENT_ID)
    return (
        events.unique(KEY, maintain_order=True).join(catalog, on=ITEM_ID, how="left", maintain_order="left").collect()
    )


def deliveries(
    events: pl.DataFrame, folder: Path, /, *, first_days: int, faults: Faults = Faults(), seed: int = 0
) -> Iterator[Delivery]:
    """Write the file of each night in turn, the first with all days before it; sooner or later every event comes."""
    rng = random.Random(seed)  # noqa: S311  (the faults of a test, not a secret)
    folder.mkdir(parents=True, exist_ok=True)
    by_day = events.with_columns(day=pl.col(TIMESTAMP).dt.date()).partition_by(
        "day", include_key=False, maintain_order=True
    )
    nights = [pl.concat(by_day[:first_days]), *by_day[first_days:]]
    waiting: list[list[pl.DataFrame]] = [[] for _ in range(len(nights) + LONGEST_DELAY + 1)]
    for night, today in enumerate(nights):
        if faults.silent_every and night % faults.silent_every == faults.silent_every - 1:
            waiting[night + 1] += [*waiting[night], today]
            come, late = today.clear(), 0
        else:
            held_back = _drawn(today, faults.late, rng)
            for row in today.filter(held_back).iter_slices(1):
                waiting[night + rng.randint(1, LONGEST_DELAY)].append(row)
            come, late = pl.concat([today.filter(~held_back), *waiting[night]]), int(held_back.sum())
            twice = come.filter(_drawn(come, faults.doubled, rng))
            waiting[night + 1].append(twice[::2])
            come = pl.concat([come, twice[1::2]])
        path = folder / f"night_{night:03}.csv"
        dirt = _write(come, path, faults.dirt, rng)
        yield Delivery(path, come, late, dirt)


def _drawn(rows: pl.DataFrame, share: float, rng: random.Random) -> pl.Series:
    return pl.Series([rng.random() < share for _ in range(rows.height)], dtype=pl.Boolean)


def _write(rows: pl.DataFrame, path: Path, dirt: float, rng: random.Random) -> int:
    """Write events and rows that are none, in any order, and return how many are none: no two of them are the same."""
    text = rows.with_columns(pl.col(TIMESTAMP).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"), pl.lit("").alias("note"))
    wrong = ({TIMESTAMP: "yesterday"}, {"user_id": None}, {"event_type": "look"})
    bad = [
        text[rng.randrange(rows.height)].with_columns(
            *(pl.lit(value, dtype=pl.String).alias(name) for name, value in rng.choice(wrong).items()),
            pl.lit(f"{rng.random()}").alias("note"),
        )
        for _ in range(round(dirt * rows.height))
    ]
    whole = pl.concat(
        [text.with_columns(pl.all().cast(pl.String)), *(row.with_columns(pl.all().cast(pl.String)) for row in bad)]
    )
    whole.sample(fraction=1, shuffle=True, seed=rng.randrange(1 << 30)).write_csv(path)
    return len(bad)
