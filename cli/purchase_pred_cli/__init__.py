"""The command `purchase-pred`: the only part of the program that talks to a person."""

from purchase_pred_cli.app import main

__all__ = ["main"]
