"""Nights on a small synthetic shop: thirty of them shown, and hundreds with kills, dirt, late and doubled events."""
