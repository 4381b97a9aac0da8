"""What every learner is given and what every fitted learner can do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from purchase_pred.models.rows.spec import FeatureSpec
    from purchase_pred.settings.training import PositiveWeight, StopMetric, TrainSettings

FEW_STOP_POSITIVES: Final = 200
"""With fewer positives to stop on, average precision jumps from round to round, and log-loss decides."""


@dataclass(frozen=True)
class FitRows:
    """The rows a learner is fitted on, and those that tell it when to stop."""

    spec: FeatureSpec
    matrix: NDArray[np.float32]
    labels: NDArray[np.uint8]
    weights: NDArray[np.float32] | None
    """Weight of each row; None: 1 each."""
    stop_matrix: NDArray[np.float32]
    """Validation rows on which the metric is watched; no tree and no coefficient is fitted on them."""
    stop_labels: NDArray[np.uint8]
    settings: TrainSettings
    odds_factor: float = 1.0
    """Factor that the choice of these rows has put on the odds."""
    rounds: int | None = None
    """Fit exactly so many rounds and do not look at the stop rows; None: stop by them."""

    @property
    def stop_metric(self) -> StopMetric:
        """Which metric ends the training: that of the settings, or what suits the positives among the stop rows."""
        asked = self.settings.early_stopping_metric
        if asked != "auto":
            return asked
        return "log_loss" if int(self.stop_labels.sum()) < FEW_STOP_POSITIVES else "average_precision"

    def stop_weights(self, positive_weight: float, /) -> NDArray[np.float32] | None:
        """Return weights that give the stop rows the odds of the rows fitted; None: 1 each.

        Average precision asks for no probabilities and is taken on the rows as they are. Log-loss would blame a fit
        whose positives weigh more, or whose negatives were sampled, for the very odds that it was told.
        """
        factor = positive_weight * self.odds_factor
        if self.stop_metric == "average_precision" or factor == 1.0:
            return None
        return np.where(self.stop_labels == 1, np.float32(factor), np.float32(1.0))

    def positive_weight(self, kind: PositiveWeight, /) -> float:
        """Return the weight of a positive row, from the training rows alone."""
        weights = np.ones(len(self.labels)) if self.weights is None else self.weights.astype(np.float64)
        positives = float(weights[self.labels == 1].sum())
        ratio = (float(weights.sum()) - positives) / positives
        return {"balanced": ratio, "sqrt": math.sqrt(ratio), "none": 1.0}[kind]

    def weights_with(self, positive_weight: float, /) -> NDArray[np.float32] | None:
        """Return the weights with those of positive rows multiplied; None: 1 each."""
        if positive_weight == 1.0:
            return self.weights
        factors = np.where(self.labels == 1, np.float32(positive_weight), np.float32(1.0))
        return factors if self.weights is None else factors * self.weights


class Learner(Protocol):
    """A fitted learner: log-odds out of a design matrix."""

    explains: ClassVar[bool]
    """Whether `contributions` are known."""

    @property
    def kind(self) -> str:
        """What kind of learner it is."""
        ...

    @property
    def spec(self) -> FeatureSpec:
        """The features it was fitted on."""
        ...

    @property
    def positive_weight(self) -> float:
        """Weight that a positive row had in the fit; its logarithm is in the log-odds."""
        ...

    @property
    def rounds(self) -> int | None:
        """Trees kept; None for a learner without rounds."""
        ...

    def log_odds(self, matrix: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return the log-odds of each row, as fitted (the weight of positives not yet taken back)."""
        ...

    def contributions(self, matrix: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return the additive parts of the log-odds, one column per feature, and the constant as the last."""
        ...

    def gains(self) -> NDArray[np.float64]:
        """Return what each feature contributed to the fit, in the learner's own unit; 0 for an unused one."""
        ...


class SavedLearner(Learner, Protocol):
    """A learner that can be written as bytes, without pickle, and read back."""

    file_name: ClassVar[str]
    library: ClassVar[str]
    """Distribution whose version must be able to read the bytes."""

    def to_bytes(self) -> bytes:
        """Return the fitted learner in its native format."""
        ...

    @classmethod
    def from_bytes(cls, content: bytes, state: dict[str, Any], spec: FeatureSpec, /) -> SavedLearner:
        """Return the learner that `to_bytes` wrote; `state` is what `state` returned."""
        ...

    def state(self) -> dict[str, Any]:
        """Return, as JSON values, what the native format does not hold."""
        ...


def native_names(spec: FeatureSpec, /) -> list[str]:
    """Return the feature names as the boosters accept them: as they are, or numbered if any is unusual.

    Examples
    --------
    >>> from purchase_pred.models.rows.spec import Feature, FeatureSpec
    >>> native_names(FeatureSpec((Feature("views [7d]", "UInt32"),)))
    ['f0']
    """
    names = list(spec.names)
    if all(name.isidentifier() and name.isascii() for name in names):
        return names
    return [f"f{index}" for index in range(len(names))]
