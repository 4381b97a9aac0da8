"""Errors that a user can mend, each saying what was required, what was found and what to do."""

from __future__ import annotations


class PurchasePredError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(PurchasePredError):
    """The settings are wrong: an unknown key, a wrong type, a missing or unreadable file."""


class InputError(PurchasePredError):
    """The input data is wrong: a missing file or column, a wrong dtype, too many bad rows."""


class EmptyLogError(InputError):
    """The files of a log hold no event, as on a day on which nothing happened."""


class SchemaError(InputError):
    """A frame lacks a column or has one of another dtype than required."""


class UnsupportedTargetError(InputError):
    """The log cannot support the target: no complete label, no positives, no rows to learn from."""


class BundleError(InputError):
    """A saved model cannot be loaded, or does not fit the data it is asked to score."""


class MissingExtraError(ConfigError):
    """An optional dependency is needed and not installed."""


class WorkspaceError(PurchasePredError):
    """The workspace cannot be used: locked by another run, not writable, out of space."""


class GateError(PurchasePredError):
    """A gate was missed or work is pending."""
