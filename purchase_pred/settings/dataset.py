"""Settings of the synthetic shop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, model_validator

from purchase_pred.settings.section import Section
from purchase_pred.settings.world import (
    CategorySettings,
    DirtSettings,
    NeedSettings,
    PersonaSettings,
    PopulationSettings,
    RhythmSettings,
    ShelfSettings,
    VisitSettings,
)

_PERSONAS: Final[dict[str, dict[str, Any]]] = {
    "browser": {
        "share": 0.70, "idle_visits_per_week": 1.4, "needs_per_month": 0.43,
        "intent": -5.4, "days_between_visits": 1.5, "abandonment": 0.18,
    },
    "researcher": {
        "share": 0.25, "idle_visits_per_week": 1.45, "needs_per_month": 0.87,
        "intent": -4.9, "days_between_visits": 1.2, "abandonment": 0.12,
    },
    "buyer": {
        "share": 0.05, "idle_visits_per_week": 1.1, "needs_per_month": 1.75,
        "intent": -3.1, "days_between_visits": 1.0, "abandonment": 0.12,
    },
}  # fmt: skip
_CATEGORIES: Final[dict[str, dict[str, Any]]] = {
    "electronics": {
        "share": 0.20, "need_weight": 1.0, "median_price": 120.0, "price_spread": 0.9,
        "promotion_share": 0.12, "promotion_depth": 0.12, "consumable_share": 0.05, "repeat_days": 30.0,
        "season_peak": 335, "season_amplitude": 0.30,
    },
    "fashion": {
        "share": 0.30, "need_weight": 1.3, "median_price": 45.0, "price_spread": 0.6,
        "promotion_share": 0.25, "promotion_depth": 0.30, "consumable_share": 0.05, "repeat_days": 30.0,
        "season_peak": 270, "season_amplitude": 0.20,
    },
    "home": {
        "share": 0.20, "need_weight": 0.9, "median_price": 60.0, "price_spread": 0.8,
        "promotion_share": 0.15, "promotion_depth": 0.20, "consumable_share": 0.15, "repeat_days": 30.0,
        "season_peak": 100, "season_amplitude": 0.20,
    },
    "beauty": {
        "share": 0.15, "need_weight": 1.0, "median_price": 22.0, "price_spread": 0.5,
        "promotion_share": 0.20, "promotion_depth": 0.20, "consumable_share": 0.60, "repeat_days": 21.0,
        "season_peak": 345, "season_amplitude": 0.15,
    },
    "sports": {
        "share": 0.15, "need_weight": 0.8, "median_price": 55.0, "price_spread": 0.7,
        "promotion_share": 0.15, "promotion_depth": 0.25, "consumable_share": 0.10, "repeat_days": 28.0,
        "season_peak": 140, "season_amplitude": 0.25,
    },
}  # fmt: skip


PERSONAS: Final = {name: PersonaSettings(**row) for name, row in _PERSONAS.items()}
CATEGORIES: Final = {name: CategorySettings(**row) for name, row in _CATEGORIES.items()}


def _over(defaults: Mapping[str, Mapping[str, Any]]) -> BeforeValidator:
    """Lay what is given over the table of defaults, so that one value can be set without writing out the others."""

    def lay(given: Any) -> Any:
        if not isinstance(given, Mapping) or not all(isinstance(row, Mapping) for row in given.values()):
            return given
        return {name: {**defaults.get(name, {}), **given.get(name, {})} for name in dict.fromkeys((*defaults, *given))}

    return BeforeValidator(lay)


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
    personas: Annotated[dict[str, PersonaSettings], _over(_PERSONAS)] = Field(default=PERSONAS, min_length=1)
    """The kinds of customers, by name."""
    categories: Annotated[dict[str, CategorySettings], _over(_CATEGORIES)] = Field(default=CATEGORIES, min_length=1)
    """The categories of the catalog, by name."""
    rhythm: RhythmSettings = RhythmSettings()
    users: PopulationSettings = PopulationSettings()
    catalog: ShelfSettings = ShelfSettings()
    needs: NeedSettings = NeedSettings()
    visits: VisitSettings = VisitSettings()
    dirt: DirtSettings = DirtSettings()

    @model_validator(mode="after")
    def _something_to_share_out(self) -> DatasetSettings:
        for name, rows in (("personas", self.personas), ("categories", self.categories)):
            if not sum(row.share for row in rows.values()) > 0:
                raise ValueError(f"the shares of dataset.{name} must sum to more than 0, found all 0")
        if not any(row.share and row.need_weight for row in self.categories.values()):
            raise ValueError("at least one of dataset.categories needs a share and a need_weight above 0")
        return self
