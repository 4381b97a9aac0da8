"""One frozen settings tree: defaults, YAML files, environment and `--set`, merged in that order."""

from purchase_pred.settings.tree import Settings

__all__ = ["Settings"]
