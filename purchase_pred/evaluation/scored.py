"""Splits with the scores of their rows: what figures, tables and charts are made of, without the features."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.evaluation.baselines import rule_columns
from purchase_pred.evaluation.curves import EVENTS_SEEN
from purchase_pred.models.calibration import sigmoid
from purchase_pred.models.rows.design_matrix import NOT_FEATURES, design_matrix, label_vector
from purchase_pred.models.rows.feature_rows import count_of, schema_of, take_rows, taken_blocks
from purchase_pred.schema import LABEL_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.models.rows.feature_rows import FeatureRows

TRAIN_ROWS: Final = 500_000
"""Rows of train that are scored at the most, drawn at random: enough for figures that are only looked at for a gap."""
SHAP_ROWS: Final = 5_000
"""Rows from which mean absolute SHAP values are taken."""

_ITEM_CATEGORY: Final = "item_category"


@dataclass(frozen=True, eq=False)
class ScoredSplit:
    """A split: its rows without their features, and what models say of them."""

    rows: pl.DataFrame
    """Of the rows that were scored: keys, times, label, and the columns that rules and cohorts are made of."""
    features: FeatureRows
    """All rows with their features, from which samples are drawn."""
    log_odds: Mapping[str, NDArray[np.float64]]
    """By the name of the model, before calibration."""
    amounts: Mapping[str, NDArray[np.float64]]
    """By the name of the model, what is spent where there is a purchase, of those models that tell."""
    is_sample: bool = False
    """Whether only some of the rows were scored."""
    _samples: dict[int, pl.DataFrame] = field(default_factory=dict, init=False, repr=False)
    """What `sample` has drawn, by how many rows were asked for."""

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The labels of the rows that were scored."""
        return label_vector(self.rows)

    @property
    def values(self) -> NDArray[np.float64]:
        """What was spent on the rows that were scored, NaN where that is not known."""
        return self.rows[LABEL_VALUE].cast(pl.Float64).fill_null(float("nan")).to_numpy()

    def probabilities(self, model: FittedModel, /) -> NDArray[np.float64]:
        """Return the calibrated probabilities of the rows that were scored."""
        return model.calibrator.probabilities(self.log_odds[model.name])

    def sample(self, rows: int, /) -> pl.DataFrame:
        """Return what `sample_rows` draws of the rows with their features; read once, however many models ask."""
        if rows not in self._samples:
            self._samples[rows] = sample_rows(self.features, rows=rows)
        return self._samples[rows]

    def uncalibrated(self, model: FittedModel, /) -> NDArray[np.float64]:
        """Return the probabilities before calibration."""
        return sigmoid(self.log_odds[model.name])


def scored_splits(
    models: Sequence[FittedModel],
    splits: Mapping[str, FeatureRows | ScoredSplit],
    /,
    *,
    known: Mapping[str, Mapping[str, NDArray[np.float64]]] | None = None,
) -> dict[str, ScoredSplit]:
    """Score the rows of the splits by several models in one pass over each, block by block.

    Models are told apart by their names. Of `train` at most 500,000 rows are scored. A split that is scored already
    is returned as it is; one named `val` is scored by the fit that has not learnt from it. `known` are log-odds that
    are known already of all rows of a split, by split and model.

    Raises
    ------
    BundleError
        The features of a split are not those of a model.
    """
    named = {model.name: model for model in models}.values()
    found = {}
    for name, split in splits.items():
        judged = [model.to_judge_on(name) for model in named]
        most = TRAIN_ROWS if name == "train" else None
        own = (known or {}).get(name, {})
        found[name] = split if isinstance(split, ScoredSplit) else _scored(judged, split, most=most, known=own)
    return found


def _scored(
    models: Sequence[FittedModel],
    features: FeatureRows,
    *,
    most: int | None,
    known: Mapping[str, NDArray[np.float64]],
) -> ScoredSplit:
    schema = schema_of(features)
    wanted = {*NOT_FEATURES, _ITEM_CATEGORY, EVENTS_SEEN, *rule_columns(schema.columns)}
    rows = [schema.select(name for name in schema.columns if name in wanted)]
    scored = None if most is None else drawn_rows(count_of(features), most)
    asked = [model for model in models if model.name not in known]
    parts: dict[str, list[NDArray[np.float64]]] = {model.name: [] for model in asked}
    valued = [model for model in models if model.amounts is not None]
    amounts: dict[str, list[NDArray[np.float64]]] = {model.name: [] for model in valued}
    for block in taken_blocks(features, scored):
        rows.append(block.select(rows[0].columns))
        matrices = {model.spec: design_matrix(block, model.spec) for model in (*asked, *valued)}
        for model in asked:
            parts[model.name].append(model.log_odds_of(matrices[model.spec]))
        said = {id(one.amounts): one.amounts.amounts(matrices[one.spec]) for one in valued if one.amounts}
        for model in valued:
            amounts[model.name].append(said[id(model.amounts)])
    for model in asked:
        parts[model.name] = parts[model.name] or [model.log_odds(schema)]
    log_odds = {name: np.concatenate(found) for name, found in parts.items()} | dict(known)
    spent = {name: np.concatenate(found) if found else np.empty(0) for name, found in amounts.items()}
    return ScoredSplit(pl.concat(rows), features, log_odds, spent, is_sample=scored is not None)


def sample_rows(frame: FeatureRows, /, *, rows: int = SHAP_ROWS, seed: int = 0) -> pl.DataFrame:
    """Return at most so many rows of a frame, drawn at random without replacement, in their order."""
    drawn = drawn_rows(count_of(frame), rows, seed=seed)
    return frame.lazy().collect() if drawn is None else take_rows(frame, drawn)


def drawn_rows(height: int, most: int, /, *, seed: int = 0) -> NDArray[np.intp] | None:
    """Return the numbers of at most so many rows, drawn without replacement, ascending; None: all of them.

    Examples
    --------
    >>> drawn_rows(3, 5) is None, len(drawn_rows(100, 5))
    (True, 5)
    """
    if height <= most:
        return None
    drawn: NDArray[np.intp] = np.sort(np.random.default_rng(seed).choice(height, size=most, replace=False))
    return drawn
