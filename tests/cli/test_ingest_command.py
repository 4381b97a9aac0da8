"""Real logs come in by command, say what was dropped, and are never overwritten unasked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from installed_command import purchase_pred

from purchase_pred import schema

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
REES46 = SHARED / "rees46_2019-10_first_5000.csv"
EVENTS = "data/raw/clickstream_events.parquet"
LOG = """visitor,when,what,product,cost
7,2024-08-01 10:00:00,look,3,9.5
7,2024-08-01 10:01:00,order,3,9.5
8,2024-08-02 10:00:00,look,4,1.5
8,yesterday,look,4,1.5
"""
NAMES = ("--map", "user_id=visitor", "--map", "timestamp=when", "--map", "event_type=what", "--map", "item_id=product")
MORE = ("--map", "price=cost", "--event", "view=look", "--event", "purchase=order", "--timezone", "Europe/Berlin")

real = pytest.mark.skipif(not REES46.is_file(), reason="the real logs are not beside the repository")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return path


def test_a_table_comes_in_with_names_mapped_and_bad_rows_set_aside(log: Path, tmp_path: Path) -> None:
    outcome = purchase_pred(
        *("ingest", "table", log, "-w", tmp_path, *NAMES, *MORE, "--set", "ingest.max_rejected=0.5", "--json")
    )

    assert outcome.code == 0, outcome.err
    events = pl.read_parquet(tmp_path / EVENTS)
    schema.require(events.lazy(), schema.EVENTS, what="events")
    assert events.select("user_id", "event_type", "item_id", "price").rows() == [
        (7, "view", 3, 9.5),
        (7, "purchase", 3, 9.5),
        (8, "view", 4, 1.5),
    ]
    assert str(events["timestamp"][0]) == "2024-08-01 08:00:00+00:00"
    assert pl.read_parquet(tmp_path / "data/raw/rejected.parquet")["reason"].to_list() == ["bad_time"]
    (stage,) = json.loads(outcome.out)["stages"]
    assert (stage["rows"], stage["counts"][EVENTS]) == (3, {"source_rows": 4, "rejected": 1})


def test_a_kept_column_comes_in_and_a_missing_one_is_named_with_the_nearest(log: Path, tmp_path: Path) -> None:
    arguments = ("ingest", "table", log, "-w", tmp_path, *NAMES, *MORE, "--set", "ingest.max_rejected=0.5")
    assert purchase_pred(*arguments, "--keep", "what", "--keep", "fee=cost", "--keep-as-text", "code=product").code == 0
    events = pl.read_parquet(tmp_path / EVENTS)
    kept = [("look", 9.5, "3"), ("order", 9.5, "3"), ("look", 1.5, "4")]
    assert events.select("what", "fee", "code").rows() == kept
    refused = purchase_pred(*arguments, "--keep", "costs")
    assert refused.code == 2
    assert "no column 'costs' to keep (--keep, ingest.keep)" in refused.err
    assert "did you mean 'cost'" in refused.err
    clash = purchase_pred(*arguments, "--keep", "price")
    assert (clash.code, "'price' is a name of our own" in clash.err) == (2, True)


def test_too_many_bad_rows_end_with_2_and_leave_earlier_data(log: Path, tmp_path: Path) -> None:
    arguments = ("ingest", "table", log, "-w", tmp_path, *NAMES, *MORE)
    assert purchase_pred(*arguments, "--set", "ingest.max_rejected=0.5").code == 0
    before = (tmp_path / EVENTS).read_bytes()
    log.write_text(LOG.replace("2024-08-02", "2024-08-99"))
    outcome = purchase_pred(*arguments)

    assert outcome.code == 2
    assert "ingest.max_rejected allows 5 %" in outcome.err
    assert (tmp_path / EVENTS).read_bytes() == before


def test_reading_the_same_log_again_does_nothing_and_a_changed_one_is_read(log: Path, tmp_path: Path) -> None:
    arguments = ("ingest", "table", log, "-w", tmp_path, *NAMES, *MORE, "--set", "ingest.max_rejected=0.5")
    assert purchase_pred(*arguments).code == 0

    assert "up to date" in purchase_pred(*arguments).err
    log.write_text(LOG.replace("9.5", "8.5"))
    assert f"stale: {log} has changed" in purchase_pred(*arguments).err


def test_a_log_with_decimal_commas_and_its_own_form_of_times_comes_in_by_options_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "day;clock;visitor;what;product;cost\n01.08.2024;10:00;7;order;3;1.009,50\n01.08.2024;10:01;7;scrl;3;\n"
    )
    names = ("--map", "timestamp=day+clock", "--map", "user_id=visitor", "--map", "event_type=what")
    outcome = purchase_pred(
        *("ingest", "table", path, "-w", tmp_path, *names, "--map", "item_id=product", "--map", "price=cost"),
        *("--time-format", "%d.%m.%Y %H:%M", "--decimal", ",", "--event", "purchase=order", "--event", "ignore=*"),
    )

    assert outcome.code == 0, outcome.err
    events = pl.read_parquet(tmp_path / EVENTS)
    assert events.select("price", pl.col("timestamp").cast(pl.String)).rows() == [
        (1009.5, "2024-08-01 10:00:00.000000+00:00")
    ]


def test_prices_that_cannot_be_read_stop_the_command(log: Path, tmp_path: Path) -> None:
    log.write_text(LOG.replace("9.5", '"9,5"'))
    outcome = purchase_pred("ingest", "table", log, "-w", tmp_path, *NAMES, *MORE, "--set", "ingest.max_rejected=0.5")

    assert outcome.code == 2
    assert "column 'cost' (price): 2 of 3 values" in outcome.err
    assert "--decimal ," in outcome.err
    assert not (tmp_path / EVENTS).exists()


def test_a_log_from_a_pipe_comes_in(log: Path, tmp_path: Path) -> None:
    command = (Path(sys.executable).with_name("purchase-pred"), "ingest", "table", "/dev/stdin", "-w", tmp_path)
    options = (*NAMES, *MORE, "--set", "ingest.max_rejected=0.5")
    done = subprocess.run([*command, *options], input=log.read_bytes(), capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
    assert pl.read_parquet(tmp_path / EVENTS).height == 3


def test_a_shorter_log_takes_the_place_of_a_longer_one_by_force_alone(log: Path, tmp_path: Path) -> None:
    arguments = ("ingest", "table", log, "-w", tmp_path, *NAMES, *MORE, "--set", "ingest.max_rejected=0.5")
    assert purchase_pred(*arguments).code == 0
    before = (tmp_path / EVENTS).read_bytes()
    log.write_text("".join(LOG.splitlines(keepends=True)[:3]))
    refused = purchase_pred(*arguments)

    assert refused.code == 2
    assert "holds a real log of 4 rows, and the one to bring in has 2" in refused.err
    assert "--force replaces it" in refused.err
    assert (tmp_path / EVENTS).read_bytes() == before
    assert purchase_pred(*arguments, "--force").code == 0
    assert pl.read_parquet(tmp_path / EVENTS).height == 2


def test_a_log_that_is_as_long_but_has_more_left_out_takes_its_place(log: Path, tmp_path: Path) -> None:
    arguments = (
        "ingest",
        "table",
        log,
        "-w",
        tmp_path,
        *NAMES,
        "--timezone",
        "UTC",
        "--set",
        "ingest.max_rejected=0.5",
    )
    assert purchase_pred(*arguments, "--event", "view=look", "--event", "purchase=order").code == 0
    assert purchase_pred(*arguments, "--event", "purchase=order", "--event", "ignore=*").code == 0
    assert pl.read_parquet(tmp_path / EVENTS).height == 1


def test_raw_data_of_unknown_origin_is_not_replaced_by_less_either(log: Path, tmp_path: Path) -> None:
    (tmp_path / EVENTS).parent.mkdir(parents=True)
    pl.DataFrame({"event_id": range(5)}).write_parquet(tmp_path / EVENTS)
    outcome = purchase_pred(
        *("ingest", "table", log, "-w", tmp_path, *NAMES, *MORE, "--set", "ingest.max_rejected=0.5")
    )
    assert outcome.code == 2
    assert "a real log of 5 rows" in outcome.err
    (tmp_path / EVENTS).write_text("no Parquet")
    outcome = purchase_pred(
        *("ingest", "table", log, "-w", tmp_path, *NAMES, *MORE, "--set", "ingest.max_rejected=0.5")
    )
    assert (outcome.code, "raw data that cannot be read; --force" in outcome.err) == (2, True)


def test_a_product_list_comes_in_beside_the_log(log: Path, tmp_path: Path) -> None:
    products = tmp_path / "products.csv"
    products.write_text("sku;shelf;list price\n3;hats;12,50\n3;shoes;1,00\n9;coats;99,00\n;none;1,00\n")
    arguments = ("ingest", "table", log, "-w", tmp_path, *NAMES, *MORE[2:], "--set", "ingest.max_rejected=0.5")
    mapped = ("--map-catalog", "category=shelf", "--map-catalog", "base_price=list price", "--decimal", ",")
    listed = (*arguments, "--catalog", products, "--map-catalog", "item_id=sku", *mapped)
    outcome = purchase_pred(*listed)

    assert outcome.code == 0, outcome.err
    assert "1 of 2 items of the log are not in the product list" in outcome.err
    items = pl.read_parquet(tmp_path / "data/raw/item_catalog.parquet")
    assert items.select("item_id", "category", "base_price").rows() == [(3, "hats", 12.5), (4, None, None)]
    assert "up to date" in purchase_pred(*listed).err
    products.write_text("sku;shelf;list price\n3;caps;12,50\n")
    assert f"stale: {products} has changed" in purchase_pred(*listed).err
    refused = purchase_pred(*arguments, "--catalog", products, "--map-catalog", "item_id=shelf")
    assert refused.code == 2
    assert "a product list needs item_id and category or base_price" in refused.err
    refused = purchase_pred(*arguments, "--catalog", products, "--map-catalog", "item_id=shelf", *mapped)
    assert refused.code == 2
    assert "none of the 2 items of the log is in the product list" in refused.err


def test_a_malformed_map_says_how_to_write_one(log: Path, tmp_path: Path) -> None:
    outcome = purchase_pred("ingest", "table", log, "-w", tmp_path, "--map", "timestamp")

    assert outcome.code == 2
    assert outcome.err == "error: --map must be OURS=THEIRS, such as --map timestamp=ts, found 'timestamp'\n"


def test_an_unknown_format_and_a_missing_file_end_with_2(tmp_path: Path) -> None:
    assert purchase_pred("ingest", "excel", tmp_path / "x", "-w", tmp_path).code == 2
    outcome = purchase_pred("ingest", "otto", tmp_path / "absent.jsonl", "-w", tmp_path)
    assert outcome.code == 2
    assert "absent.jsonl: no such file" in outcome.err


def test_an_ingested_log_is_kept_by_skip_data_gen_and_by_plain_run_all(log: Path, tmp_path: Path) -> None:
    arguments = ("ingest", "table", log, "-w", tmp_path, *NAMES, *MORE, "--set", "ingest.max_rejected=0.5")
    assert purchase_pred(*arguments).code == 0
    before = (tmp_path / EVENTS).read_bytes()

    refused = purchase_pred("run", "all", "-w", tmp_path)
    assert refused.code == 2
    assert "an ingested log" in refused.err
    assert purchase_pred("run", "generate", "sessionize", "--skip-data-gen", "-w", tmp_path).code == 0
    assert (tmp_path / EVENTS).read_bytes() == before
    assert "ingest" in purchase_pred("status", "-w", tmp_path).out


def test_generating_by_force_takes_the_rejected_rows_away_too(log: Path, tmp_path: Path) -> None:
    arguments = ("ingest", "table", log, "-w", tmp_path, *NAMES, *MORE, "--set", "ingest.max_rejected=0.5")
    assert purchase_pred(*arguments).code == 0
    assert purchase_pred("generate", "--force", "-w", tmp_path, "--set", "dataset.num_users=50").code == 0

    assert not list((tmp_path / "data/raw").glob("rejected.*"))


@real
@pytest.mark.parametrize(("log_format", "name"), [("rees46", REES46.name), ("otto", "otto_20_users.jsonl")])
def test_a_log_too_short_for_the_target_is_one_message_with_settings_that_would_do(
    log_format: str, name: str, tmp_path: Path
) -> None:
    assert purchase_pred("ingest", log_format, SHARED / name, "-w", tmp_path).code == 0
    outcome = purchase_pred("run", "all", "--skip-data-gen", "-w", tmp_path)

    assert outcome.code == 2
    (message,) = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert "no complete label in" in message
    assert not (tmp_path / "models").exists()

    advised = re.findall(r"--set (\S+)", message)
    options = [part for change in advised for part in ("--set", change)]
    followed = purchase_pred(
        *("run", "all", "--skip-data-gen", "-w", tmp_path, "--set", "train.models=[logistic]", *options)
    )
    assert followed.code == 0, followed.err
    assert "Too small to judge" in " ".join(followed.out.split())


@real
def test_the_first_hours_of_rees46_train_with_settings_that_fit_them(tmp_path: Path) -> None:
    assert purchase_pred("ingest", "rees46", REES46, "-w", tmp_path).code == 0
    outcome = purchase_pred(
        *("run", "all", "--skip-data-gen", "-w", tmp_path, "--set", "train.models=[logistic]"),
        *("--set", "anchors.kind=in_session", "--set", "target.level=session", "--set", "target.horizon=3m"),
        *("--set", "split.align=none", "--set", "split.train=0.92", "--set", "split.val=0.04"),
    )

    assert outcome.code == 0, outcome.err
    assert "PR-AUC" in outcome.out


def test_a_day_is_added_to_the_log_and_what_was_made_of_it_is_made_again(log: Path, tmp_path: Path) -> None:
    arguments = ("-w", tmp_path, *NAMES, *MORE, "--set", "ingest.max_rejected=0.5")
    early = purchase_pred("ingest", "table", log, *arguments, "--append")
    assert (early.code, "--append needs a log" in early.err) == (2, True)
    assert purchase_pred("ingest", "table", log, *arguments).code == 0
    assert purchase_pred("sessionize", "-w", tmp_path).code == 0
    day = tmp_path / "day.csv"
    day.write_text(LOG.splitlines()[0] + "\n9,2024-08-03 10:00:00,look,3,9.5\n8,2024-08-02 10:00:00,look,4,1.5\n")
    shorter = purchase_pred("ingest", "table", day, *arguments)
    assert (shorter.code, "--append adds it to the log" in shorter.err) == (2, True)
    planned = purchase_pred("ingest", "table", day, *arguments, "--append", "--dry-run")
    assert (planned.code, f"{day} is new" in planned.out + planned.err) == (0, True)

    added = purchase_pred("ingest", "table", day, *arguments, "--append")
    assert added.code == 0, added.err
    assert "1 of 2 rows are events that are known" in added.err
    assert pl.read_parquet(tmp_path / EVENTS)["event_id"].to_list() == [0, 1, 2, 4]
    assert "clickstream_events.parquet has changed" in purchase_pred("sessionize", "-w", tmp_path).err
    again = purchase_pred("ingest", "table", day, *arguments, "--append")
    assert "nothing was added: of 2 rows 2 are events that are known" in again.err
    assert "up to date" in purchase_pred("sessionize", "-w", tmp_path).err
    other = purchase_pred("ingest", "table", day, *arguments, "--append", "--timezone", "UTC")
    assert (other.code, "ingest.timezone was Europe/Berlin and is UTC" in other.err) == (2, True)
