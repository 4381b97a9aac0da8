"""What each check found, and whether it lies beyond its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

CHECKS: Final = (
    "silent", "volume", "price", "hours", "concentration",
    "psi", "missing", "unseen", "adversarial", "prevalence", "calibration", "estimated_drop", "realised_drop",
)  # fmt: skip
"""What is looked at, in this order: days of the log first, then rows and what the model says of them."""

FINDINGS: Final = {
    "check": pl.String, "subject": pl.String, "day": pl.Date, "found": pl.Float64, "usual": pl.Float64,
    "deviation": pl.Float64, "limit": pl.Float64, "alarm": pl.Boolean, "meaning": pl.String,
}  # fmt: skip

SURE: Final = 3.0
"""Standard errors beyond which a figure is taken to speak."""


def finding(
    check: str,
    subject: str,
    found: float | None,
    /,
    *,
    meaning: str,
    day: date | None = None,
    usual: float | None = None,
    deviation: float | None = None,
    limit: float | None = None,
    alarm: bool = False,
) -> dict[str, Any]:
    """Return one row of `findings_table`."""
    return {
        "check": check, "subject": subject, "day": day, "found": found, "usual": usual,
        "deviation": deviation, "limit": limit, "alarm": alarm, "meaning": meaning,
    }  # fmt: skip


def findings_table(rows: Iterable[dict[str, Any]], /) -> pl.DataFrame:
    """Return findings as a table, alarms first, then by check, day and subject.

    Returns
    -------
    table
        ``check``, ``subject`` (event type, feature ...), ``day`` (null of checks that look at a whole window),
        ``found``, ``usual`` (what it was before), ``deviation`` (standard deviations or errors apart; null: not told),
        ``limit`` (beyond which `found` raises the alarm if it deviates enough; null: it cannot), ``alarm`` (Boolean)
        and ``meaning`` (a sentence).

    Examples
    --------
    >>> calm = finding("psi", "views", 0.1, limit=0.25, meaning="...")
    >>> findings_table([calm, finding("unseen", "item_category", 0.2, alarm=True, meaning="...")])["alarm"].to_list()
    [True, False]
    """
    table = pl.DataFrame(list(rows), schema=FINDINGS)
    order = pl.col("check").cast(pl.Enum(CHECKS))
    return table.sort(~pl.col("alarm"), order, pl.col("day"), "subject", maintain_order=True)
