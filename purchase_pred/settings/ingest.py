"""Settings of how a real log is read."""

from __future__ import annotations

from purchase_pred.settings.section import Section, Share


class IngestSettings(Section):
    """How a real log is read."""

    max_rejected: Share = 0.05
    """Largest share of rows that may be rejected before the log is refused."""
    timezone: str | None = None
    """Time zone of times written without one; none: UTC, with a warning."""
