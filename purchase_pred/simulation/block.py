"""The simulation of one block of users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from purchase_pred.simulation.clicks import Clicks
    from purchase_pred.simulation.journeys import Visits
    from purchase_pred.simulation.needs import Needs
    from purchase_pred.simulation.users import Users


@dataclass(frozen=True)
class Block:
    """The clicks, which the log shows, and the latent needs and visits that cause them."""

    users: Users
    needs: Needs
    visits: Visits
    clicks: Clicks
    """By user and time, within the period."""
    need_clicks: Clicks
    """The clicks of `visits`, in their order, before the start and after the end of the period too."""
