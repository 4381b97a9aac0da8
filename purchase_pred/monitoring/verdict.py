"""What monitoring found, all together: the days, the rows, and which limits were passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from purchase_pred.durations import duration_name

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from purchase_pred.monitoring.event_checks import DaysChecked
    from purchase_pred.monitoring.row_checks import RowsChecked


@dataclass(frozen=True, eq=False)
class Verdict:
    """What monitoring found: every figure behind it, and which limits were passed."""

    model: str
    """The name of the model."""
    as_of: datetime
    """The moment: events before it, strictly, are known."""
    window: timedelta
    """How far back the new data reaches."""
    days: DaysChecked
    rows: RowsChecked | None
    """None: the window holds no row of the model, which the days tell the reason of."""

    @property
    def findings(self) -> pl.DataFrame:
        """All findings, as `purchase_pred.monitoring.findings.findings_table` has them, alarms first."""
        parts = [self.days.findings, *([self.rows.findings] if self.rows else [])]
        return pl.concat(parts).sort(~pl.col("alarm"), maintain_order=True)

    @property
    def alarms(self) -> pl.DataFrame:
        """The findings beyond their limits; none: all is quiet."""
        return self.findings.filter("alarm")

    @property
    def limits_passed(self) -> list[str]:
        """The checks that raised an alarm, each once."""
        return self.alarms["check"].unique(maintain_order=True).to_list()


def verdict_document(verdict: Verdict, /) -> dict[str, Any]:
    """Return a verdict as JSON holds it: what `monitor --json` prints."""
    rows = verdict.rows
    return {
        "schema_version": 1,
        "model": verdict.model,
        "as_of": verdict.as_of.isoformat(),
        "window": duration_name(verdict.window),
        "quiet": verdict.alarms.is_empty(),
        "limits_passed": verdict.limits_passed,
        "findings": _records(verdict.findings),
        "volumes": _records(verdict.days.volumes),
        "features": _records(rows.features) if rows else [],
        "adversarial": _records(rows.adversarial) if rows else [],
        "performance": _records(rows.performance) if rows else [],
        "weeks": _records(rows.weeks) if rows else [],
    }


def _records(table: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
        for row in table.iter_rows(named=True)
    ]
