"""A synthetic shop: users with needs, items with prices that change, the log of what they click, and the truth."""

from purchase_pred.simulation.catalog import simulate_catalog
from purchase_pred.simulation.clickstream import WorldChunk, simulate_clickstream, simulate_world
from purchase_pred.simulation.realism import realism_report
from purchase_pred.simulation.truth import TRUTH
from purchase_pred.simulation.users import simulate_users

__all__ = [
    "TRUTH",
    "WorldChunk",
    "realism_report",
    "simulate_catalog",
    "simulate_clickstream",
    "simulate_users",
    "simulate_world",
]
