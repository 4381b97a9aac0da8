"""Why scores are what they are: the largest contributions to each row, in plain words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from purchase_pred.models.calibration import sigmoid
from purchase_pred.models.rows.design_matrix import design_matrix
from purchase_pred.schema import require_eager

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import NDArray

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
    model: FittedModel, rows: pl.DataFrame, /, *, top: int = 10, meanings: Mapping[str, str] | None = None
) -> list[Explanation]:
    """Return the largest contributions to the score of each row, in the order of the rows.

    Contributions are exact SHAP values: with the base and the rest they add up to the log-odds before calibration.

    Parameters
    ----------
    model
        The model.
    rows
        A feature frame.
    top
        How many contributions to name for each row.
    meanings
        Features in plain words; a feature that is not in it is called by its name.

    Raises
    ------
    BundleError
        The features are not those of the model.
    InputError
        The model gives no contributions, as an estimator that is not ours does not.
    """
    if require_eager(rows, what="rows").is_empty():
        return []
    parts = model.learner.contributions(design_matrix(rows, model.spec))
    probabilities, uncalibrated = model.predict(rows), model.uncalibrated(rows)
    words = {name: (meanings or {}).get(name, name.replace("_", " ")) for name in model.spec.names}
    return [
        Explanation(
            model=model.name,
            probability=float(probabilities[number]),
            uncalibrated_probability=float(uncalibrated[number]),
            base_probability=float(sigmoid(np.array([parts[number, -1] - math.log(model.odds_factor)]))[0]),
            contributions=(named := _largest(parts[number, :-1], row, words, top=top)),
            rest_log_odds=float(parts[number, :-1].sum() - sum(one.log_odds for one in named)),
        )
        for number, row in enumerate(rows.select(model.spec.names).iter_rows())
    ]


def _largest(
    values: NDArray[np.float64], row: tuple[Any, ...], words: Mapping[str, str], *, top: int
) -> tuple[Contribution, ...]:
    names = list(words)
    order = np.lexsort((np.array(names), -np.abs(values)))
    return tuple(
        Contribution(names[position], row[position], float(values[position]), words[names[position]])
        for position in map(int, order[:top])
    )


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "unknown", True: "yes", False: "no"}[value]
    return f"{value:.4g}" if isinstance(value, float) else str(value)
