"""A night appends, judges, trains when due, promotes what is not worse and lists; run again it changes nothing."""

from __future__ import annotations

import json
import random
import shutil
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import polars as pl
import pytest
from stages_of_text import Recorder

from purchase_pred.errors import ConfigError, EmptyLogError, InputError
from purchase_pred.evaluation.paired import Difference
from purchase_pred.monitoring.findings import finding, findings_table
from purchase_pred.pipeline.engine.fingerprint import fingerprint
from purchase_pred.pipeline.engine.manifest import read_manifest
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE, Workspace
from purchase_pred.pipeline.models_in_use import model_in_use, read_history
from purchase_pred.pipeline.tasks.forget import forget_user
from purchase_pred.pipeline.tasks.models import go_back
from purchase_pred.pipeline.tasks.night.delivery import EMPTY, KNOWN, Delivery
from purchase_pred.pipeline.tasks.night.models import Training, not_worse
from purchase_pred.pipeline.tasks.night.run import AskedList, Night, run_night
from purchase_pred.pipeline.tasks.scoring.score_list import AskedRules
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from purchase_pred.settings import Settings

HEADER = "timestamp,user_id,event_type,item_id,price"
FIRST = datetime(2024, 3, 1, tzinfo=UTC)
SETTINGS = (
    *("target.horizon=1d", "features.windows=[1d]", "train.models=[logistic]", "train.logistic.max_iterations=5"),
    *("train.threads=1", "train.threshold.resamples=20", "nightly.retrain_every=2d", "nightly.min_positives=1"),
    *("nightly.retrain_below=0", "nightly.monitor=false"),
)
WARM_UP = 14


def day_of_events(day: int) -> str:
    """Return the log of a day: users look at items, and some buy."""
    rng = random.Random(day)  # noqa: S311  (a test case, not a secret)
    rows = []
    for user in range(12):
        at = FIRST + timedelta(days=day, minutes=rng.randrange(1200))
        for _ in range(2):
            item = rng.randint(1, 4)
            at += timedelta(minutes=3)
            rows.append(f"{at:%Y-%m-%dT%H:%M:%SZ},{user},view,{item},9.5")
            if rng.random() < 0.4:
                rows.append(f"{at + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ},{user},purchase,{item},9.5")
    return "\n".join(rows)


def delivered(folder: Path, *days: int) -> Path:
    """Write the log of some days to a file, and return it."""
    path = folder / f"days_{'_'.join(map(str, days[:2]))}.csv"
    path.write_text("\n".join([HEADER, *map(day_of_events, days)]) + "\n")
    return path


def night(
    workspace: Workspace,
    *files: Path,
    assign: Sequence[str] = (),
    asked: AskedList | None = None,
    observer: Recorder | None = None,
) -> Night:
    resolved = resolve_settings(assignments=[*SETTINGS, *assign])
    delivery, asked = Delivery("table", files), asked or AskedList()
    return run_night(workspace, resolved, delivery, asked, observer=observer or Recorder())


def contents(workspace: Workspace) -> dict[str, str]:
    """Return the fingerprint of everything that a night leaves, but for what tells when it ran."""
    files = [path for folder in ("data", "models", "lists") for path in workspace.path(folder).rglob("*")]
    return {workspace.relative(path): fingerprint(path) for path in files if path.is_file()}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Night]:
    """The workspace after the night of the first delivery; tests must not change it."""
    folder = tmp_path_factory.mktemp("first")
    workspace = Workspace(folder / "shop")
    return workspace, night(workspace, delivered(folder, *range(WARM_UP)))


@pytest.fixture(scope="module")
def cut_off(first: tuple[Workspace, Night], tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, list[Path]]:
    """The workspace after two more days, cut off when another model was trained, and what was delivered."""
    folder = tmp_path_factory.mktemp("second")
    workspace = Workspace(shutil.copytree(first[0].root, folder / "shop"))
    files = [delivered(folder, WARM_UP), delivered(folder, WARM_UP + 1)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("purchase_pred.pipeline.tasks.night.run.promote", interrupted)
        with pytest.raises(KeyboardInterrupt):
            night(workspace, *files)
    return workspace, files


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def early(first: tuple[Workspace, Night], tmp_path: Path) -> Workspace:
    """A copy of the workspace after the first night."""
    return Workspace(shutil.copytree(first[0].root, tmp_path / "shop"))


@pytest.fixture
def shop(cut_off: tuple[Workspace, list[Path]], tmp_path: Path) -> Workspace:
    """A copy of the workspace that was cut off."""
    return Workspace(shutil.copytree(cut_off[0].root, tmp_path / "shop"))


@pytest.fixture
def files(cut_off: tuple[Workspace, list[Path]]) -> list[Path]:
    """What was delivered for it."""
    return cut_off[1]


def test_the_first_night_makes_a_model_puts_it_in_use_and_leaves_a_list(first: tuple[Workspace, Night]) -> None:
    workspace, done = first
    assert done.training.reasons == ("there is no model",)
    assert done.promotion is not None
    assert (done.promotion.candidate, done.promotion.against) == (done.model, None)
    assert done.model == model_in_use(workspace)
    assert done.judged is None  # of what has matured since it was trained there is nothing yet
    assert done.list is not None
    listed = pl.read_csv(workspace.path(f"lists/{done.list.as_of:%Y-%m-%d}.csv"))
    assert listed.height == done.list.rows == done.list.scored > 0
    assert set(listed["model"]) == {done.model}


def test_a_night_that_was_cut_off_after_training_promotes_what_was_trained_and_then_nothing_changes(
    shop: Workspace, files: list[Path]
) -> None:
    before = model_in_use(shop)
    done = night(shop, *files)
    assert (done.log.added, set(done.log.skipped.values()), done.training.models) == (0, {KNOWN}, ())
    assert done.promotion is not None
    assert done.promotion.against == before
    assert model_in_use(shop) == done.promotion.candidate == done.model != before

    left = contents(shop)
    assert night(shop, *files).promotion is None
    assert contents(shop) == left


def test_a_model_is_judged_on_what_nobody_knew_when_it_was_trained(early: Workspace, tmp_path: Path) -> None:
    before = model_in_use(early)
    done = night(early, delivered(tmp_path, WARM_UP), assign=["nightly.retrain_every=30d"])

    assert done.judged is not None
    assert (done.judged.model, done.training.reasons, done.promotion) == (before, (), None)
    rows = pl.read_parquet(early.path("data/features/test_features.parquet"))
    end = FIRST + timedelta(days=WARM_UP)
    assert done.judged.rows <= rows.filter(pl.col("label_end") > end - timedelta(hours=6)).height
    assert 0 < done.judged.positives < done.judged.rows


def expect_of(workspace: Workspace, figure: float) -> None:
    """Let the model in use have had this PR-AUC on test."""
    path = workspace.path("models") / str(model_in_use(workspace)) / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["splits"]["test"]["average_precision"] = figure
    path.write_text(json.dumps(metrics))


def test_a_limit_that_is_passed_is_told_and_calls_for_another_model(
    early: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def due(_workspace: Workspace, _settings: Settings, limits: tuple[str, ...], /, **_: object) -> Training:
        asked.append(limits)
        return Training(limits)

    monkeypatch.setattr("purchase_pred.pipeline.tasks.night.run.train_when_due", due)
    expect_of(early, 1.0)
    done = night(early, delivered(tmp_path, WARM_UP), assign=["nightly.retrain_below=1"])
    assert "below 1 of the 1.0000 it had on test" in done.limits[0]
    assert asked == [done.limits]


def test_a_limit_trains_nothing_where_a_newer_model_waits_for_its_age(shop: Workspace, files: list[Path]) -> None:
    expect_of(shop, 1.0)
    done = night(shop, *files, assign=["nightly.retrain_below=1", "nightly.promote=never"])
    assert len(done.limits) == 1
    assert done.training.reasons == ()


def test_a_model_that_a_person_went_back_from_is_not_promoted_again(shop: Workspace, files: list[Path]) -> None:
    before = model_in_use(shop)
    assert night(shop, *files).model != before
    go_back(shop)

    done = night(shop, *files)
    assert done.promotion is not None
    assert (done.promotion.promoted, done.promotion.why) == (False, "a person has gone back from it")
    assert done.model == before
    assert [change.by for change in read_history(shop)] == ["use", "use", "rollback"]


def test_no_model_is_promoted_where_a_person_decides(shop: Workspace, files: list[Path]) -> None:
    before = model_in_use(shop)
    done = night(shop, *files, assign=["nightly.promote=never"])

    assert done.promotion is not None
    assert not done.promotion.promoted
    assert done.model == before


def test_days_without_events_leave_the_log_and_make_a_list(early: Workspace, tmp_path: Path) -> None:
    nothing, header = tmp_path / "nothing.csv", tmp_path / "header.csv"
    nothing.write_text("")
    header.write_text(HEADER + "\n")
    before = fingerprint(early.path(EVENTS_FILE))
    asked = AskedList(AskedRules(top=2), output=tmp_path / "mine.parquet")

    done = night(early, nothing, header, asked=asked)
    assert done.log.skipped == {str(nothing): EMPTY, str(header): EMPTY}
    assert night(early).log.files == ()
    assert fingerprint(early.path(EVENTS_FILE)) == before
    assert pl.read_parquet(tmp_path / "mine.parquet").height == 2


def test_a_file_is_known_by_its_content_whatever_its_name(early: Workspace, tmp_path: Path) -> None:
    one = delivered(tmp_path, WARM_UP)
    another = shutil.copy(one, tmp_path / "copy.csv")
    done = night(early, one, another, assign=["nightly.retrain_every=30d"])

    assert done.log.skipped == {str(another): KNOWN}
    manifest = read_manifest(early.path(EVENTS_FILE))
    assert manifest is not None
    assert len(manifest.settings["paths"]) == 2


def test_a_log_too_short_to_learn_from_grows_without_a_list(tmp_path: Path) -> None:
    shop = Workspace(tmp_path / "shop")
    with pytest.raises(EmptyLogError):
        night(shop, empty(tmp_path))
    done = night(shop, delivered(tmp_path, 0))

    assert (done.model, done.list) == (None, None)
    assert "no complete label in" in (done.training.impossible or "")
    assert done.log.added > 0


def empty(folder: Path) -> Path:
    (folder / "empty.csv").write_text(HEADER + "\n")
    return folder / "empty.csv"


@pytest.mark.parametrize(
    ("rules", "output", "error"),
    [
        (AskedRules(threshold="2"), None, ConfigError),
        (AskedRules(exclude_bought="soon"), None, ConfigError),
        (AskedRules(), "list.txt", ConfigError),
    ],
)
def test_what_is_wrong_with_the_list_is_told_before_anything_is_read(
    rules: AskedRules, output: str | None, error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(error):
        night(Workspace(tmp_path), asked=AskedList(rules, output=tmp_path / output if output else None))
    assert list(tmp_path.iterdir()) == []


def test_a_night_on_an_empty_workspace_without_files_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="purchase-pred ingest"):
        night(Workspace(tmp_path))


def test_a_person_who_is_forgotten_is_in_no_list_of_a_night(early: Workspace) -> None:
    (path,) = early.path("lists").iterdir()
    before = pl.read_csv(path, infer_schema=False)
    user = before["user_id"][0]
    count = before.filter(pl.col("user_id") == user).height

    planned = forget_user(early, user, dry_run=True)
    assert planned.rows[early.relative(path)] == count
    assert pl.read_csv(path, infer_schema=False).equals(before)
    assert forget_user(early, user).rows == planned.rows
    assert pl.read_csv(path, infer_schema=False).equals(before.filter(pl.col("user_id") != user))


def test_a_night_is_told_as_json(first: tuple[Workspace, Night]) -> None:
    document = first[1].document()
    assert list(document)[:3] == ["schema_version", "log", "judged"]
    assert document["list"]["as_of"].startswith("2024-03-")


def verdict_with(alarms: dict[str, str]) -> SimpleNamespace:
    """Return a verdict of monitoring with an alarm on days and one on rows."""
    tables = [
        findings_table([finding(check, "all", 9.0, alarm=True, meaning=meaning)]) for check, meaning in alarms.items()
    ]
    return SimpleNamespace(days=SimpleNamespace(findings=tables[0]), rows=SimpleNamespace(findings=tables[1]))


def test_what_monitoring_says_of_the_model_calls_for_another_and_what_it_says_of_days_is_told(
    early: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = verdict_with({"silent": "no view came", "psi": "prices have moved"})
    monkeypatch.setattr("purchase_pred.pipeline.tasks.night.judging.monitor", lambda *_, **__: verdict)
    done = night(early, assign=["nightly.monitor=true"])

    assert done.limits == ("silent of all: no view came", "psi of all: prices have moved")
    assert done.training.reasons == ("psi of all: prices have moved",)


def test_a_model_that_monitoring_cannot_judge_is_told_of(early: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise InputError("it does not tell from which days it has learnt")

    monkeypatch.setattr("purchase_pred.pipeline.tasks.night.judging.monitor", refuses)
    observer = Recorder()
    done = night(early, assign=["nightly.monitor=true"], observer=observer)

    assert done.limits == ()
    assert observer.warned == ["monitoring was left out: it does not tell from which days it has learnt"]


@pytest.mark.parametrize(
    ("precision", "loss", "may"),
    [
        (Difference(0.4, 0.3, -0.1, (-0.12, -0.01)), Difference(0.1, 0.1, 0.0, (-0.1, 0.1)), False),
        (Difference(0.4, 0.5, 0.1, (0.01, 0.12)), Difference(0.1, 0.2, 0.1, (0.05, 0.2)), False),
        (Difference(0.4, 0.5, 0.1, None), Difference(0.1, 0.1, 0.0, None), True),
        (Difference(0.4, 0.39, -0.01, None), Difference(0.1, 0.1, 0.0, None), False),
        (Difference(None, None, None, None), Difference(0.1, 0.1, 0.0, None), False),
    ],
)
def test_a_model_is_not_worse_in_ranking_nor_in_probabilities(
    precision: Difference, loss: Difference, *, may: bool
) -> None:
    assert not_worse({"average_precision": precision, "log_loss": loss}, "not_worse") is may
