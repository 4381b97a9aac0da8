"""Commands about a workspace: status, check-leakage, verify, doctor and forget."""

from dataclasses import asdict
from typing import Annotated

import typer

from purchase_pred_cli.failures import FAILED
from purchase_pred_cli.options import CHANGING, READING, Common, command_options


@command_options(*READING)
def status(
    common: Common,
    check: Annotated[bool, typer.Option("--check", help="Exit with 3 unless everything is fresh.")] = False,
) -> None:
    """Tell of each stage whether it is fresh, stale or missing, and why."""
    from purchase_pred.errors import GateError
    from purchase_pred.pipeline.tasks.status import workspace_status
    from purchase_pred_cli.console import print_json
    from purchase_pred_cli.plan import print_status

    reports = workspace_status(common.open_workspace(), common.resolve().settings)
    if common.as_json:
        print_json({"schema_version": 1, "stages": [asdict(report) for report in reports]})
    else:
        print_status(reports)
    pending = [report.stage for report in reports if report.state not in {"fresh", "kept"}]
    if check and pending:
        raise GateError(f"not up to date: {', '.join(pending)}; `purchase-pred run all` makes them")


@command_options(*READING)
def check_leakage(
    common: Common,
    *,
    users: Annotated[int, typer.Option("--users", min=1, help="Users to take at random, with all their events.")] = 200,
    anchors: Annotated[
        int, typer.Option("--anchors", min=1, help="Prediction points of theirs to take at most.")
    ] = 3000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed takes and alters others.")] = 0,
    function: Annotated[
        str | None,
        typer.Option(
            "--function", metavar="MODULE:NAME", help="Check this function (anchors, events) instead of the dictionary."
        ),
    ] = None,
    cross_user: Annotated[
        list[str] | None,
        typer.Option("--cross-user", metavar="COLUMN", help="May look at other users' past; repeat for more."),
    ] = None,
) -> None:
    """Alter the future of the workspace's own data and demand that no feature moves; exit with 3 if one does."""
    from purchase_pred.errors import GateError
    from purchase_pred.pipeline.tasks.check_leakage import check_workspace
    from purchase_pred_cli.console import Screen
    from purchase_pred_cli.functions import function_named
    from purchase_pred_cli.leakage import print_leakage

    workspace, settings = common.open_workspace(), common.resolve().settings
    own = None if function is None else function_named(function)
    screen = Screen(quiet=common.quiet)
    with screen.watching():
        screen.stage_starts("leakage", [f"{users:,} users"])
        report = check_workspace(
            workspace, settings, users=users, anchors=anchors, seed=seed, function=own, cross_user=cross_user or ()
        )
    print_leakage(report, as_json=common.as_json)
    if not report.clean:
        raise GateError(
            f"{len(report.leaks):,} of {len(report.columns):,} features know what they may not: "
            f"{', '.join(leak.column for leak in report.leaks)}"
        )


@command_options(*CHANGING)
def verify(
    common: Common,
    *,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Rows of each feature file to compute again.")] = 25,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed draws other rows.")] = 0,
) -> None:
    """Read every output again and hold it against its manifest and its log; exit with 3 on a difference."""
    from purchase_pred.errors import GateError
    from purchase_pred.pipeline.tasks.verify import verify as verify_workspace
    from purchase_pred_cli.console import Screen, print_json, print_text

    found = verify_workspace(common.open_workspace(), rows=rows, seed=seed)
    if common.as_json:
        print_json({"schema_version": 1, "right": not found.differences, **asdict(found)})
    else:
        screen = Screen(quiet=common.quiet)
        for note in found.notes:
            screen.note(note)
        for difference in found.differences:
            print_text(f"{difference.file}: {difference.found}")
        checked = f"{len(found.files):,} outputs read, {found.values:,} values of {found.rows:,} rows computed again"
        print_text(
            f"{checked}: {len(found.differences):,} differences" if found.differences else f"{checked}: all right"
        )
    if found.differences:
        raise GateError(f"{len({one.file for one in found.differences}):,} outputs are not as they were made")


@command_options(*READING)
def doctor(common: Common) -> None:
    """Examine the installation and the machine, and try the whole line on a tiny shop; exit with 1 if not well."""
    from purchase_pred.pipeline.tasks.doctor import examine
    from purchase_pred_cli.console import print_json
    from purchase_pred_cli.plan import print_checks

    checks = examine(common.open_workspace(), common.resolve().settings)
    wrong = [check.name for check in checks if check.state == "wrong"]
    if common.as_json:
        print_json({"schema_version": 1, "right": not wrong, "checks": [asdict(check) for check in checks]})
    else:
        print_checks(checks)
    if wrong:
        raise typer.Exit(FAILED)


@command_options(*CHANGING, "dry_run")
def forget(common: Common, *, user: Annotated[str, typer.Option("--user", help="The person's user_id.")]) -> None:
    """Remove a person from raw, processed and feature files and rejected rows, and name the models trained on them."""
    from purchase_pred.pipeline.tasks.forget import forget_user, told
    from purchase_pred_cli.console import print_json, print_text

    found = forget_user(common.open_workspace(), user, dry_run=common.dry_run)
    if common.as_json:
        print_json({"schema_version": 1, "dry_run": common.dry_run, **asdict(found)})
    else:
        print_text("\n".join(told(found, dry_run=common.dry_run)))


COMMANDS = (status, check_leakage, verify, doctor, forget)
