"""What a feature group is: aggregates over an entity's events, and columns derived from them and the anchor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from purchase_pred.arithmetic import divide
from purchase_pred.errors import SchemaError
from purchase_pred.windows.aggregates import column_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
        Columns made of the aggregates, of the anchor's columns and of its attributes (``item_category``,
        ``item_base_price``, ``catalog_price``, ``created_at``, ``registration_date``), and of what `needs` names.
    needs
        Columns of earlier groups, hidden ones too, that `derived` reads.
    source
        ``"events"``: the events as known at T. ``"daily"``: sums of complete UTC days before T over all users.
        ``"session_items"``: events of the session by item, with the ranks of `session_item_answers`.
    """

    name: str
    by: tuple[str, ...]
    aggregates: tuple[Aggregate, ...] = ()
    derived: tuple[Derived, ...] = ()
    needs: tuple[str, ...] = ()
    source: Source = "events"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the group adds to the result, in order."""
        made = [*column_names(self.aggregates), *(derived.name for derived in self.derived)]
        return tuple(name for name in made if not name.startswith(HIDDEN))


def check_groups(groups: Sequence[FeatureGroup], columns: Iterable[str], /) -> None:
    """Raise if a group reads a column that it neither makes nor declares, or that is not made before it.

    Parameters
    ----------
    groups
        In the order in which their derived columns are computed.
    columns
        The columns of the anchors and their attributes, which every group may read.

    Raises
    ------
    SchemaError
        Names the group, the column and, if there is one, the group that makes it.

    Examples
    --------
    >>> share = Derived(name="share", expression=pl.col("_views"), definition="", unit="", null_rule="")
    >>> check_groups([FeatureGroup(name="mine", by=("user_id",), derived=(share,))], ["user_id"])
    Traceback (most recent call last):
    purchase_pred.errors.SchemaError: features: group 'mine' reads '_views', which no group makes
    """
    everything, makers = set(columns), _makers(groups)
    made: dict[str, str] = {}
    for group in groups:
        absent = [name for name in group.needs if name not in made]
        own = {*column_names(group.aggregates)}
        for derived in group.derived:
            read = derived.expression.meta.root_names()
            absent += [name for name in read if name not in everything | own | {*group.needs}]
            own.add(derived.name)
        if absent:
            name = absent[0]
            known = f"group {makers[name]!r} makes: name it in needs, behind that group" if name in makers else ""
            raise SchemaError(f"features: group {group.name!r} reads {name!r}, which {known or 'no group makes'}")
        made |= dict.fromkeys(own, group.name)


def _makers(groups: Iterable[FeatureGroup]) -> dict[str, str]:
    return {
        name: group.name
        for group in groups
        for name in (*column_names(group.aggregates), *(derived.name for derived in group.derived))
    }


def ratio(numerator: pl.Expr | str, denominator: pl.Expr | str) -> pl.Expr:
    """Return a quotient as Float64, null where the divisor is 0 or null."""
    above = pl.col(numerator) if isinstance(numerator, str) else numerator
    below = pl.col(denominator) if isinstance(denominator, str) else denominator
    return pl.when(below != 0).then(divide(above, below.cast(pl.Float64)))


def discount_pct(price: pl.Expr | str, base_price: str) -> pl.Expr:
    """Return 100 (1 - price / base price), never below 0; null where either is null or the base price is 0."""
    discount = 100 * (1 - ratio(price, base_price))
    return pl.max_horizontal(discount, pl.when(discount.is_not_null()).then(0.0))
