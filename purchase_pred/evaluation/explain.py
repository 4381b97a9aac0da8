"""Why a score is what it is: the largest contributions to one row, in plain words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from purchase_pred.errors import InputError
from purchase_pred.models.calibration import sigmoid
from purchase_pred.models.design_matrix import design_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from purchase_pred.models.fitted import FittedModel

_HARDLY: Final = math.log(1.05)


@dataclass(frozen=True)
class Contribution:
    """What one feature does to one row."""

    feature: str
    value: Any
    """Its value in the frame; None: missing."""
    log_odds: float
    """Its SHAP value, before calibration."""
    meaning: str
    """The feature in plain words."""

    @property
    def sentence(self) -> str:
        """The contribution in plain words.

        Examples
        --------
        >>> Contribution("user_item_view_count", 3, math.log(2), "user item view count").sentence
        'user item view count = 3: multiplies the odds by 2.00'
        """
        named = f"{self.meaning} = {_shown(self.value)}"
        if abs(self.log_odds) < _HARDLY:
            return f"{named}: hardly matters"
        verb = "multiplies" if self.log_odds > 0 else "divides"
        return f"{named}: {verb} the odds by {math.exp(abs(self.log_odds)):.2f}"


@dataclass(frozen=True)
class Explanation:
    """One score and what it is made of."""

    model: str
    probability: float
    """The calibrated probability."""
    uncalibrated_probability: float
    """What base and contributions, all of them, come to."""
    base_probability: float
    """The probability, before calibration, of a row about which nothing is known."""
    contributions: tuple[Contribution, ...]
    """The largest by size, largest first, ties by feature name."""
    rest_log_odds: float
    """The sum of all the other contributions."""

    @property
    def sentences(self) -> list[str]:
        """The explanation in plain words, one sentence a line."""
        before = f"{self.uncalibrated_probability:.2%} before calibration"
        base = f"where {self.base_probability:.2%} would stand for a row of which nothing is known"
        return [
            f"{self.model} gives this row a probability of {self.probability:.2%}: {before}, {base}",
            *(contribution.sentence for contribution in self.contributions),
            f"all other features together multiply the odds by {math.exp(self.rest_log_odds):.2f}",
        ]


def explain(
    model: FittedModel, row: pl.DataFrame, /, *, top: int = 10, meanings: Mapping[str, str] | None = None
) -> Explanation:
    """Return the largest contributions to the score of one row.

    Contributions are exact SHAP values: with the base and the rest they add up to the log-odds before calibration.

    Parameters
    ----------
    model
        The model.
    row
        A feature frame of exactly one row.
    top
        How many contributions to name.
    meanings
        Features in plain words; a feature that is not in it is called by its name.

    Raises
    ------
    InputError
        The frame does not have exactly one row.
    BundleError
        The features are not those of the model.
    """
    if row.height != 1:
        raise InputError(f"one row can be explained at a time, found {row.height}: narrow the selection down to one")
    parts = model.learner.contributions(design_matrix(row, model.spec))[0]
    values, base = parts[:-1], float(parts[-1])
    order = np.lexsort((np.array(model.spec.names), -np.abs(values)))
    named = [int(position) for position in order[:top]]
    names = model.spec.names
    return Explanation(
        model=model.name,
        probability=float(model.predict(row)[0]),
        uncalibrated_probability=float(model.uncalibrated(row)[0]),
        base_probability=float(sigmoid(np.array([base - math.log(model.odds_factor)]))[0]),
        contributions=tuple(
            Contribution(
                feature=names[position],
                value=row[names[position]][0],
                log_odds=float(values[position]),
                meaning=(meanings or {}).get(names[position], names[position].replace("_", " ")),
            )
            for position in named
        ),
        rest_log_odds=float(values.sum() - values[named].sum()),
    )


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "unknown", True: "yes", False: "no"}[value]
    return f"{value:.4g}" if isinstance(value, float) else str(value)
