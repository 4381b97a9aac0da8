"""Faults planted into a quiet shop: which of them monitoring finds, by what, and after how many days."""
