"""The options that say what is asked of a model: which one, as of when, and which of its scores a list holds."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from purchase_pred_cli.completion import model_names

if TYPE_CHECKING:
    from datetime import datetime

    from purchase_pred.pipeline.tasks.scoring.score_list import AskedRules


class AudienceName(StrEnum):
    """Whom a list is of."""

    LIKELY_BUYERS = "likely_buyers"
    FIRST_BUYERS = "first_buyers"
    LIKELY_TO_LEAVE = "likely_to_leave"


Audience = Annotated[
    AudienceName | None,
    typer.Option(
        "--audience", help="One row per user: likely to buy, likely to buy for the first time, or to stay away."
    ),
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="Only events before it are known. Default: all.")
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Folder, name or kind of a model. Default: the one in use, or the newest.",
        autocompletion=model_names,
    ),
]
Top = Annotated[int | None, typer.Option("--top", min=1, help="Only the N highest scores.")]
TopPerUser = Annotated[
    int | None, typer.Option("--top-per-user", min=1, help="Only the N highest scores of each user.")
]
Threshold = Annotated[
    str | None,
    typer.Option(
        "--threshold", metavar="P", help="Only scores of at least P; `model`: the one that its training chose."
    ),
]
ExcludeBought = Annotated[
    str | None,
    typer.Option(
        "--exclude-bought",
        metavar="DURATION",
        help="Leave out who bought the item (without items: anything) in so long before the moment, such as 30d.",
    ),
]
Reasons = Annotated[
    int, typer.Option("--reasons", min=0, max=10, help="Name the N largest reasons of each score in plain words.")
]
Output = Annotated[
    Path | None, typer.Option("--output", help="Write the list there: .parquet, .csv, .ndjson or .jsonl.")
]


def asked_moment(as_of: str | None, /) -> "datetime | None":
    """Return what `--as-of` says."""
    from purchase_pred.pipeline.tasks.scoring.known_log import parse_moment

    return parse_moment(as_of) if as_of else None


def asked_rules(
    *,
    top: int | None,
    top_per_user: int | None,
    threshold: str | None,
    exclude_bought: str | None,
    audience: AudienceName | None,
    reasons: int,
) -> "AskedRules":
    """Return what the options of a list say."""
    from purchase_pred.pipeline.tasks.scoring.score_list import AskedRules

    return AskedRules(
        top=top,
        top_per_user=top_per_user,
        threshold=threshold,
        exclude_bought=exclude_bought,
        reasons=reasons,
        audience=audience.value if audience else None,
    )
