"""Settings of the synthetic shop."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from purchase_pred.settings.section import Section


class DatasetSettings(Section):
    """The synthetic shop."""

    num_users: int = Field(default=10_000, ge=1)
    """Users who register before or during the period."""
    num_items: int = Field(default=1_000, ge=1)
    """Items in the catalog, shared out over the categories in proportion."""
    num_days: int = Field(default=90, ge=1)
    """Length of the period in days."""
    start_date: date = date(2024, 8, 1)
    """First day of the period (UTC)."""
    random_seed: int = Field(default=42, ge=0)
    """Seed of every random draw."""
