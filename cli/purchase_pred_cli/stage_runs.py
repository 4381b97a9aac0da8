"""How commands run stages: planned or done, watched on the screen, and what is printed in the end."""

from typing import TYPE_CHECKING, Any

from purchase_pred_cli.options import Common

if TYPE_CHECKING:
    from purchase_pred.pipeline.engine.runner import Request
    from purchase_pred.pipeline.engine.stage import StageReport
    from purchase_pred.settings import Settings


def run_requests(
    common: Common,
    settings: "Settings",
    requests: list["Request"],
    *,
    realism: bool = False,
) -> "list[StageReport]":
    """Run what is asked for, or plan it under --dry-run, and print what became of it.

    With `realism` the log that is then there is measured too.
    """
    from purchase_pred.pipeline.engine.runner import plan_stages, run_stages
    from purchase_pred_cli.console import Screen, print_json
    from purchase_pred_cli.plan import print_plan

    workspace = common.open_workspace()
    if common.dry_run:
        reports = plan_stages(
            requests,
            workspace=workspace,
            settings=settings,
            force=common.force,
        )
        print_json(_document(reports)) if common.as_json else print_plan(reports)
        return reports
    screen = Screen(quiet=common.quiet)
    with screen.watching():
        reports = run_stages(
            requests,
            workspace=workspace,
            settings=settings,
            observer=screen,
            force=common.force,
        )
    _print_results(common, settings, reports, realism=realism)
    return reports


def _print_results(common: Common, settings: "Settings", reports: list["StageReport"], *, realism: bool) -> None:
    from purchase_pred.pipeline.model_files import fresh_metrics
    from purchase_pred_cli.console import print_json

    document: dict[str, Any] = _document(reports)
    states = {report.stage: report.state for report in reports}
    workspace = common.open_workspace()
    metrics = fresh_metrics(workspace, settings) if "train" in states else []
    if realism:
        from purchase_pred.pipeline.stages.generate import measure_realism
        from purchase_pred_cli.realism import print_realism

        measured = measure_realism(workspace)
        document["realism"] = measured.to_dicts()
    if common.as_json:
        print_json(document | ({"models": metrics} if metrics else {}))
    elif realism:
        print_realism(measured)
    elif states.get("train") == "ran":
        from purchase_pred_cli.comparison import print_comparison, print_report_path, winner_of

        print_comparison(metrics)
        print_report_path(workspace.path(f"models/{winner_of(metrics)['model']}"))


def _document(reports: list["StageReport"]) -> dict[str, Any]:
    from dataclasses import asdict

    return {"schema_version": 1, "stages": [asdict(report) for report in reports]}
