"""Settings of the simulator: who comes to the shop, what is sold and needed, what is clicked and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, model_validator

from purchase_pred.settings.section import Day, Section, Share

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
YearDay = Annotated[int, Field(ge=1, le=366)]


class PersonaSettings(Section):
    """One kind of customer."""

    share: Share
    """Share of the users; the shares of all personas are scaled to sum to 1."""
    idle_visits_per_week: NonNegative
    """Visits without any need behind them."""
    needs_per_month: NonNegative
    """Needs that open per 30 days."""
    intent: float
    """Log-odds of buying at the first visit of a need."""
    days_between_visits: Positive
    """Mean time between two visits for one need."""
    abandonment: Share
    """Chance that a need is given up after a visit without a purchase."""


class CategorySettings(Section):
    """One category of the catalog."""

    share: Share
    """Share of the items; the shares of all categories are scaled to sum to 1."""
    need_weight: NonNegative
    """How often needs fall into this category, relative to the others."""
    median_price: Positive
    """Median of the log-normal base prices."""
    price_spread: NonNegative
    """Standard deviation of the logarithm of the base prices."""
    promotion_share: Share
    """Chance that an item is on promotion in a given week."""
    promotion_depth: Annotated[float, Field(ge=0, le=0.6)]
    """Mean discount of a promotion, as a share of the base price."""
    consumable_share: Share
    """Share of the items that are used up and bought again."""
    repeat_days: Positive
    """Shortest time until a consumable is bought again."""
    season_peak: YearDay
    """Day of the year with the most needs in this category."""
    season_amplitude: Annotated[float, Field(ge=0, lt=1)]
    """Height of that peak over the mean, as a share of the mean."""


class RhythmSettings(Section):
    """When the shop is visited (UTC)."""

    hourly: tuple[Positive, ...] = Field(
        default=(
            0.45, 0.30, 0.22, 0.18, 0.18, 0.25, 0.45, 0.70, 0.90, 1.05, 1.15, 1.20,
            1.25, 1.20, 1.15, 1.15, 1.20, 1.30, 1.45, 1.65, 1.75, 1.60, 1.20, 0.80,
        ),
        min_length=24, max_length=24,
    )  # fmt: skip
    """Activity by hour of the day, 0 to 23, relative."""
    weekday: tuple[Positive, ...] = Field(
        default=(0.95, 0.92, 0.92, 0.95, 1.00, 1.12, 1.14), min_length=7, max_length=7
    )
    """Activity by day of the week, Monday to Sunday, relative."""
    season_amplitude: Annotated[float, Field(ge=0, lt=1)] = 0.08
    """Height of the yearly peak over the mean, as a share of the mean."""
    season_peak: YearDay = 340
    """Day of the year with the most activity."""


class PopulationSettings(Section):
    """How users differ."""

    registered_before: Share = 0.75
    """Share of users who are registered when the period begins; the others register during it."""
    days_since_registration: Positive = 300.0
    """Mean age, at the start, of the accounts that exist then."""
    activity_spread: NonNegative = 0.9
    """Standard deviation of the logarithm of a user's idle activity: the heavy tail of events per user."""
    need_spread: NonNegative = 0.6
    """Standard deviation of the logarithm of a user's rate of needs."""
    taste_concentration: Positive = 2.5
    """How alike users' tastes for categories are; near 0 each user has one category."""
    price_sensitivity: NonNegative = 2.0
    """Median effect of a discount on the log-odds of buying, per unit of -log(1 - discount)."""
    sensitivity_spread: NonNegative = 0.5
    """Standard deviation of the logarithm of that sensitivity."""
    hoarders: Share = 0.05
    """Share of users who fill carts and do not buy what is in them."""
    bots: Share = 0.001
    """Share of users who are crawlers."""


class ShelfSettings(Section):
    """What is popular and what is new."""

    popularity_exponent: NonNegative = 0.8
    """Exponent of the power law of popularity within a category."""
    popularity_drift: NonNegative = 0.15
    """Standard deviation of the weekly change of an item's log-popularity."""
    launched_during: Share = 0.15
    """Share of items that are launched during the period."""
    launch_boost: NonNegative = 2.0
    """Extra popularity of an item at launch, relative; it fades with a mean of three weeks."""


class NeedSettings(Section):
    """What happens between a need and its end."""

    intent_spread: NonNegative = 0.8
    """Standard deviation of the log-odds of buying between needs of one persona."""
    rise_per_visit: float = 0.95
    """Rise of the log-odds of buying with every visit, up to the sixth."""
    max_visits: int = Field(default=12, ge=1)
    """Visits after which a need is given up."""
    extra_items: NonNegative = 1.5
    """Mean number of items considered beyond the first two (six at most)."""
    budget_weight: NonNegative = 0.8
    """How strongly the distance of a price from the user's budget speaks against an item."""
    favourite_share: Annotated[float, Field(gt=0, lt=1)] = 0.85
    """Mean chance that a purchase is the favourite and not a rival item."""
    cart_intent: float = -3.25
    """Log-odds of an add_to_cart at the first visit."""
    cart_rise: float = 0.5
    """Rise of those log-odds with every visit, up to the sixth."""
    cart_lift: float = 3.0
    """Rise of the log-odds of buying once something is in the cart."""
    gifts_per_month: NonNegative = 0.05
    """Purchases for somebody else per 30 days: one visit, any category."""
    gift_intent: float = 0.0
    """Log-odds of buying in a gift visit."""
    repeat_share: Share = 0.5
    """Chance that the purchase of a consumable is followed by the need for another."""
    repeat_intent: float = 0.5
    """Log-odds of buying at the first visit of such a need."""


class VisitSettings(Section):
    """What is clicked in a visit."""

    idle_looks: NonNegative = 3.1
    """Mean number of items looked at in an idle visit beyond the first."""
    need_looks: NonNegative = 1.8
    """Mean number of items looked at in a visit for a need beyond the first."""
    familiarity: NonNegative = 1.0
    """How much more the favourite is looked at with every visit."""
    distraction: Share = 0.12
    """Chance that a look in a visit for a need goes to an item outside the set considered."""
    idle_scroll: Share = 0.15
    """Chance that an item looked at idly is scrolled through."""
    need_scroll: Share = 0.28
    """Chance that an item looked at for a need is scrolled through."""
    view_seconds: Positive = 28.0
    """Median dwell time of a view."""
    scroll_seconds: Positive = 14.0
    """Median dwell time of a scroll."""
    dwell_spread: NonNegative = 0.8
    """Standard deviation of the logarithm of dwell times."""
    need_dwell: Positive = 1.4
    """Dwell time in visits for a need, relative to idle ones."""
    direct_purchase: Share = 0.04
    """Chance that a purchase is made without a view of the item in that visit."""
    spare_cart: Share = 0.005
    """Chance that an item considered is put into the cart without any intention."""
    spare_cart_with_cart: Share = 0.85
    """The same in a visit in which something else is put into the cart."""
    idle_cart: Share = 0.001
    """Chance of an add_to_cart per item looked at idly."""
    hoarder_cart: Share = 0.65
    """The same for a hoarder."""
    remove: Share = 0.20
    """Chance that what lies in the cart is taken out: without intention at once, else when the need is given up."""
    bot_visits_per_day: NonNegative = 2.0
    """Visits of a crawler."""
    bot_looks: NonNegative = 14.0
    """Mean number of items a crawler asks for in a visit beyond the first."""


class DirtSettings(Section):
    """What goes wrong between a click and the log; every value is a share of the rows."""

    exact_duplicates: Share = 0.0
    """Rows that appear twice."""
    out_of_order: Share = 0.0
    """Rows that stand a little before or after their place."""
    late: Share = 0.0
    """Rows that come after all others of their block of users."""
    clock_jumps: Share = 0.0
    """Days of users on which the clock is wrong, by up to 12 hours."""
    null_prices: Share = 0.0
    """Rows without a price."""
    unknown_items: Share = 0.0
    """Rows with an item that the catalog does not have."""
    bots: Share = 0.0
    """Views by crawlers who are no registered users."""


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
    num_days: int = Field(default=90, ge=1, le=36_525)
    """Length of the period in days."""
    start_date: Day = date(2024, 8, 1)
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
