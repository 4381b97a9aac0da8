"""What a feature group is: aggregates over an entity's events, and columns derived from them and the anchor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from purchase_pred.windows.aggregates import column_names

if TYPE_CHECKING:
    from purchase_pred.windows import Aggregate

Source = Literal["events", "daily", "session_items"]

HIDDEN: Final = "_"
"""Names that start with this serve other columns and are not part of the result."""


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A column computed from the aggregates, the anchor and its attributes, with its entry in the dictionary."""

    name: str
    expression: pl.Expr
    definition: str
    unit: str
    null_rule: str


@dataclass(frozen=True, kw_only=True)
class FeatureGroup:
    """A declared group of features.

    Parameters
    ----------
    name
        What the group is called in the dictionary.
    by
        The columns of the entity; a group whose entity the anchors do not have is left out.
    aggregates
        Over the entity's events; names that start with ``_`` are not part of the result.
    derived
        Columns made of the aggregates (of this and of earlier groups), of the anchor's columns and of its attributes:
        ``item_category``, ``item_base_price``, ``catalog_price``, ``created_at``, ``registration_date``.
    source
        ``"events"``: the events as known at T. ``"daily"``: sums of complete UTC days before T over all users.
        ``"session_items"``: events of the session by item, with the ranks of `session_item_answers`.
    """

    name: str
    by: tuple[str, ...]
    aggregates: tuple[Aggregate, ...] = ()
    derived: tuple[Derived, ...] = field(default=())
    source: Source = "events"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the group adds to the result, in order."""
        made = [*column_names(self.aggregates), *(derived.name for derived in self.derived)]
        return tuple(name for name in made if not name.startswith(HIDDEN))


def ratio(numerator: pl.Expr | str, denominator: pl.Expr | str) -> pl.Expr:
    """Return a quotient as Float64, null where the divisor is 0 or null."""
    above = pl.col(numerator) if isinstance(numerator, str) else numerator
    below = pl.col(denominator) if isinstance(denominator, str) else denominator
    return pl.when(below != 0).then(above.cast(pl.Float64) / below.cast(pl.Float64))


def discount_pct(price: pl.Expr | str, base_price: str) -> pl.Expr:
    """Return 100 (1 - price / base price), never below 0; null where either is null or the base price is 0."""
    discount = 100 * (1 - ratio(price, base_price))
    return pl.max_horizontal(discount, pl.when(discount.is_not_null()).then(0.0))
