"""The options that say which scores a list holds, for every command that makes one."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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
