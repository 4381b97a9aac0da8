"""A log that grows by a day at a time is the log that all days at once make."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest
from growing_log import (
    NAMES,
    OPTIONS,
    Row,
    append,
    assert_same_files,
    at_once,
    days_of_a_shop,
    run,
    write,
)

from purchase_pred.errors import InputError
from purchase_pred.pipeline.engine.manifest import manifest_path
from purchase_pred.pipeline.engine.workspace import (
    CATALOG_FILE,
    EVENTS_FILE,
    LEDGER_FILE,
    REJECTED_FILE,
    USERS_FILE,
    Workspace,
)
from purchase_pred.pipeline.stages.ingest import UNITS, ingest_stage
from purchase_pred.pipeline.tasks.forget import forget_user
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_a_log_that_grows_by_a_day_is_on_every_day_the_log_of_all_files_at_once(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{day:02}.csv", rows) for day, rows in enumerate(days_of_a_shop(1))]
    grown = at_once(Workspace(tmp_path / "grown"), paths[0])
    counted: dict[str, int] = {}
    for day, path in enumerate(paths[1:], start=2):
        report, _ = append(grown, path)
        assert report.state == "ran"
        for name, count in report.counts[EVENTS_FILE].items():
            counted[name] = counted.get(name, 0) + count
        assert_same_files(grown, at_once(Workspace(tmp_path / f"once{day}"), *paths[:day]))
    assert min(counted[name] for name in ("known_again", "late", "earlier_users", "earlier_items")) > 0
    everything_read, _ = run(ingest_stage("table", paths), grown)
    assert everything_read.state == "fresh"


def test_two_days_at_once_are_two_days_one_after_the_other(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{day}.csv", rows) for day, rows in enumerate(days_of_a_shop(3)[:3])]
    workspace = at_once(Workspace(tmp_path / "grown"), paths[0])
    append(workspace, *paths[1:])
    assert_same_files(workspace, at_once(Workspace(tmp_path / "once"), *paths))


def test_a_file_that_is_delivered_again_adds_nothing_and_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", [("2024-03-01 10:00:00", "1", "view", "7", "", "", "a")] * 2)
    workspace = at_once(Workspace(tmp_path / "shop"), path)
    before = workspace.path(EVENTS_FILE).read_bytes()
    report, warnings = append(workspace, path)
    assert workspace.path(EVENTS_FILE).read_bytes() == before
    assert (report.counts[EVENTS_FILE]["added"], report.counts[EVENTS_FILE]["known_again"]) == (0, 2)
    assert warnings == ["nothing was added: of 2 rows 2 are events that are known"]
    assert pl.read_parquet(workspace.path(REJECTED_FILE))["event_id"].to_list() == [1, 2, 3]


def test_rows_that_differ_in_a_column_of_the_source_alone_are_two_events(tmp_path: Path) -> None:
    row = ("2024-03-01 10:00:00", "1", "view", "7", "", "")
    workspace = at_once(Workspace(tmp_path / "shop"), write(tmp_path / "1.csv", [(*row, "a")]))
    report, _ = append(workspace, write(tmp_path / "2.csv", [(*row, "b"), (*row, "a")]))
    assert (report.counts[EVENTS_FILE]["added"], report.counts[EVENTS_FILE]["known_again"]) == (1, 1)


def test_a_late_event_moves_back_what_was_first_known_and_is_counted(tmp_path: Path) -> None:
    first = write(tmp_path / "1.csv", [("2024-03-05 10:00:00", "1", "view", "7", "5", "hats", "a")])
    workspace = at_once(Workspace(tmp_path / "shop"), first)
    report, warnings = append(
        workspace, write(tmp_path / "2.csv", [("2024-03-02 10:00:00", "1", "view", "7", "4", "caps", "a")])
    )
    counts = report.counts[EVENTS_FILE]
    assert [counts[name] for name in ("added", "late", "changed_users", "earlier_users", "earlier_items")] == [1] * 5
    assert "1 of 1 events added are older than the newest one known: of 1 users the history has changed" in warnings[0]
    assert str(pl.read_parquet(workspace.path(USERS_FILE))["registration_date"][0]) == "2024-03-02"
    assert pl.read_parquet(workspace.path(CATALOG_FILE)).select("category", "base_price").row(0) == ("caps", 4.0)


def test_a_late_event_behind_all_that_is_known_of_its_user_changes_no_history(tmp_path: Path) -> None:
    rows = [("2024-03-05 10:00:00", user, "view", "7", "", "", "a") for user in ("1", "2")]
    workspace = at_once(
        Workspace(tmp_path / "shop"), write(tmp_path / "1.csv", [("2024-03-01", *rows[0][1:]), rows[1]])
    )
    report, _ = append(workspace, write(tmp_path / "2.csv", [("2024-03-02", *rows[0][1:])]))
    counts = report.counts[EVENTS_FILE]
    assert [counts[name] for name in ("late", "changed_users")] == [1, 0]


def test_a_product_list_is_read_as_it_is_given_with_the_last_delivery(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{day}.csv", rows) for day, rows in enumerate(days_of_a_shop(4)[:2])]
    products = tmp_path / "products.csv"
    products.write_text("item_id,category,base_price\n1,shoes,80\n3,belts,\n4,belts,5\n")
    workspace = at_once(Workspace(tmp_path / "grown"), paths[0], catalog=(products,))
    products.write_text("item_id,category,base_price\n1,boots,\n2,,70\n3,,\n")
    append(workspace, paths[1], catalog=(products,))
    assert_same_files(workspace, at_once(Workspace(tmp_path / "once"), *paths, catalog=(products,)))
    with pytest.raises(InputError, match="read with a product list"):
        append(workspace, paths[1])


def test_further_columns_stand_behind_those_of_the_rejected_rows(tmp_path: Path) -> None:
    rows = [("2024-03-01 10:00:00", "1", "view", "7", "", "", "a"), ("never", "1", "view", "7", "", "", "a")]
    first = write(tmp_path / "1.csv", rows)
    wider = write(tmp_path / "2.csv", [(*row, "x") for row in rows[::-1]], (*NAMES, "more"))
    narrower = write(tmp_path / "3.csv", [row[:-1] for row in rows], NAMES[:-1])
    workspace = at_once(Workspace(tmp_path / "grown"), first)
    append(workspace, wider)
    append(workspace, narrower)
    assert_same_files(workspace, at_once(Workspace(tmp_path / "once"), first, wider, narrower))


REFUSED = {
    "a file of another mapping": (
        {"settings": resolve_settings(assignments=(*OPTIONS, "ingest.events={purchase: buy}")).settings},
        NAMES,
        "ingest.events was .* and is",
    ),
    "text where there were numbers": ({}, NAMES, "user_id is Int64 in the log, and .* has text there .'anna'."),
    "a column whose name is taken": ({}, (*NAMES[:-1], "extra_field"), "'extra_field' names another column"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_added_is_refused_and_changes_nothing(tmp_path: Path, case: str) -> None:
    options, names, message = REFUSED[case]
    row = ("2024-03-01 10:00:00", "1", "view", "7", "", "", "a")
    workspace = at_once(Workspace(tmp_path / "shop"), write(tmp_path / "1.csv", [row]))
    before = {unit: workspace.path(unit).read_bytes() for unit in UNITS}
    added = write(tmp_path / "2.csv", [(row[0], "anna", *row[2:])], names)
    with pytest.raises(InputError, match=message):
        append(workspace, added, **options)
    assert {unit: workspace.path(unit).read_bytes() for unit in UNITS} == before


def test_numbers_are_added_to_identifiers_that_are_text_as_text(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{user}.csv", [("2024-03-01 10:00:00", user, "view", "7", "", "", "a")])
        for user in ("anna", "12")
    ]
    workspace = at_once(Workspace(tmp_path / "grown"), paths[0])
    append(workspace, paths[1])
    assert pl.read_parquet(workspace.path(EVENTS_FILE))["user_id"].to_list() == ["anna", "12"]
    assert_same_files(workspace, at_once(Workspace(tmp_path / "once"), *paths))


def test_another_kind_of_file_or_dtype_is_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame([("2024-03-01 10:00:00", 1, "view", 7, "", "", "a")], NAMES, orient="row")
    frame.write_parquet(tmp_path / "1.parquet")
    workspace = at_once(Workspace(tmp_path / "shop"), tmp_path / "1.parquet")
    with pytest.raises(InputError, match="read from parquet, and csv is to be added"):
        append(workspace, write(tmp_path / "2.csv", [tuple(map(str, frame.row(0)))]))
    frame.cast({"visitor": pl.Float64}).write_parquet(tmp_path / "2.parquet")
    with pytest.raises(InputError, match="column 'visitor' is Int64 in the log and Float64"):
        append(workspace, tmp_path / "2.parquet")


def test_an_append_that_would_judge_known_rows_anew_is_refused(tmp_path: Path) -> None:
    def day_of(date: str, count: int) -> list[Row]:
        return [(f"{date} 10:00:00", str(number), "view", "7", "", "", "a") for number in range(count)]

    first = write(tmp_path / "1.csv", [*day_of("2022-01-01", 1), *day_of("2023-06-01", 199)])
    workspace = at_once(Workspace(tmp_path / "shop"), first)
    assert pl.read_parquet(workspace.path(REJECTED_FILE))["reason"].to_list() == ["out_of_range_time"]
    append(workspace, write(tmp_path / "2.csv", day_of("2023-06-02", 5)))
    many = write(tmp_path / "3.csv", day_of("2021-12-30", 50))
    with pytest.raises(InputError, match=r"1 known rows would be judged anew by ingest.outlier_distance"):
        append(workspace, many)


def test_a_log_that_was_not_ingested_or_was_touched_since_is_refused(tmp_path: Path) -> None:
    row = ("2024-03-01 10:00:00", "1", "view", "7", "", "", "a")
    path = write(tmp_path / "1.csv", [row])
    with pytest.raises(InputError, match="needs a log that `purchase-pred ingest` has read, and there is none"):
        append(Workspace(tmp_path / "empty"), path)
    workspace = at_once(Workspace(tmp_path / "shop"), path)
    pl.read_parquet(workspace.path(USERS_FILE)).vstack(pl.read_parquet(workspace.path(USERS_FILE))).write_parquet(
        workspace.path(USERS_FILE)
    )
    with pytest.raises(InputError, match=r"users.parquet is not as `purchase-pred ingest` left it"):
        append(workspace, path)


def test_columns_that_are_kept_go_on_in_their_dtype_or_are_refused(tmp_path: Path) -> None:
    settings = resolve_settings(assignments=(*OPTIONS, "ingest.keep=[note]")).settings
    row = ("2024-03-01 10:00:00", "1", "view", "7", "", "")
    paths = [write(tmp_path / f"{note}.csv", [(*row, note)]) for note in ("1.5", "2", "", "anna")]
    workspace = at_once(Workspace(tmp_path / "grown"), paths[0], settings=settings)
    for path in paths[1:3]:
        append(workspace, path, settings=settings)
    assert pl.read_parquet(workspace.path(EVENTS_FILE))["note"].to_list() == [1.5, 2.0, None]
    assert_same_files(workspace, at_once(Workspace(tmp_path / "once"), *paths[:3], settings=settings))
    with pytest.raises(InputError, match="column 'note' is Float64 in the log and String in what is to be added"):
        append(workspace, paths[3], settings=settings)


def test_a_setting_that_did_not_exist_when_the_log_was_read_had_its_default(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{day}.csv", rows) for day, rows in enumerate(days_of_a_shop(5)[:2])]
    workspace = at_once(Workspace(tmp_path / "shop"), paths[0])
    manifest = manifest_path(workspace.path(EVENTS_FILE))
    content = json.loads(manifest.read_text())
    del content["settings"]["ingest.keep_as_text"]
    manifest.write_text(json.dumps(content))
    assert append(workspace, paths[1])[0].state == "ran"


def test_of_a_person_who_is_forgotten_no_row_is_left_to_compare_with_and_the_log_goes_on(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{day}.csv", rows) for day, rows in enumerate(days_of_a_shop(5)[:2])]
    workspace = at_once(Workspace(tmp_path / "shop"), paths[0])
    user = str(pl.read_parquet(workspace.path(EVENTS_FILE))["user_id"][0])
    forget_user(workspace, user)
    ids = pl.read_parquet(workspace.path(EVENTS_FILE))["event_id"].to_list()
    ids += pl.read_parquet(workspace.path(REJECTED_FILE))["event_id"].to_list()
    assert set(pl.read_parquet(workspace.path(LEDGER_FILE))["event_id"].to_list()) <= set(ids)
    report, _ = append(workspace, paths[1])
    assert report.state == "ran"
