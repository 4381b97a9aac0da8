"""A synthetic shop: users with needs, items with prices that change, and the log of what they click."""

from purchase_pred.simulation.catalog import simulate_catalog
from purchase_pred.simulation.clickstream import simulate_clickstream
from purchase_pred.simulation.users import simulate_users

__all__ = ["simulate_catalog", "simulate_clickstream", "simulate_users"]
