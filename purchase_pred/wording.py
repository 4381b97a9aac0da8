"""What a positive row of each kind of target is called, in messages and reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.names import TargetKind


@dataclass(frozen=True)
class Wording:
    """How a positive row is spoken of."""

    one: str
    """The positive, as a noun."""
    many: str
    """Several of them."""
    they: str
    """What several users of positive rows do."""
    it: str
    """What one does."""
    did: str
    """What they have done."""
    follows: str
    """What follows the prediction then."""


WORDINGS: Final[Mapping[TargetKind, Wording]] = {
    "purchase": Wording("purchase", "purchases", "buy", "buys", "bought", "the purchase"),
    "churn": Wording("departure", "departures", "leave", "leaves", "left", "silence"),
}
