"""The command of the night: nightly."""

from pathlib import Path
from typing import Annotated

import typer

from purchase_pred_cli.ingest_command import LogFormat
from purchase_pred_cli.model_options import (
    AsOf,
    Audience,
    ExcludeBought,
    Output,
    Reasons,
    Threshold,
    Top,
    TopPerUser,
    asked_moment,
    asked_rules,
)
from purchase_pred_cli.options import CHANGING, Common, command_options


@command_options(*CHANGING)
def nightly(
    common: Common,
    *,
    log_format: Annotated[LogFormat, typer.Argument(metavar="FORMAT", help="The format of the log.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="What was delivered: files or globs; or nothing.")
    ] = None,
    catalog: Annotated[
        list[Path] | None, typer.Option("--catalog", metavar="PATH", help="Files of a product list; repeatable.")
    ] = None,
    as_of: AsOf = None,
    top: Top = None,
    top_per_user: TopPerUser = None,
    threshold: Threshold = None,
    exclude_bought: ExcludeBought = None,
    audience: Audience = None,
    reasons: Reasons = 0,
    output: Output = None,
) -> None:
    """Append, judge the model in use, train when due, promote what is not worse, and write the list; for every night.

    Prints one JSON line. Exit codes: 0 done; 1 the machine failed, run it again; 2 yours to mend; 3 a limit was passed,
    or there is no model yet: look. Run again with the same files, it ends as if it had never been cut off.
    """
    from json import dumps

    from purchase_pred.errors import GateError
    from purchase_pred.pipeline.tasks.night.delivery import Delivery
    from purchase_pred.pipeline.tasks.night.run import AskedList, run_night
    from purchase_pred_cli.console import Screen

    rules = asked_rules(
        top=top,
        top_per_user=top_per_user,
        threshold=threshold,
        exclude_bought=exclude_bought,
        audience=audience,
        reasons=reasons,
    )
    asked = AskedList(rules, asked_moment(as_of), output)
    delivery = Delivery(log_format.value, paths or (), catalog or ())
    screen = Screen(quiet=common.quiet)
    with screen.watching():
        night = run_night(common.open_workspace(), common.resolve(), delivery, asked, observer=screen)
    typer.echo(dumps(night.document(), allow_nan=False))
    if night.limits:
        raise GateError("; ".join(night.limits))
    if night.list is None:
        raise GateError(f"there is no model yet, and so no list: {night.training.impossible}")


COMMANDS = (nightly,)
