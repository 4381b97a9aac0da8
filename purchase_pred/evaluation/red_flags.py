"""Red flags: what usually means that a good figure is too good, or will not last."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from purchase_pred.evaluation.drift import adversarial_validation
from purchase_pred.evaluation.scored import ScoredSplit, scored_splits
from purchase_pred.metrics import metrics
from purchase_pred.models.rows.design_matrix import spec_of
from purchase_pred.models.rows.feature_rows import labels_of, matrix_of
from purchase_pred.models.rows.row_labels import RowLabels
from purchase_pred.models.rows.sampling import sample_negatives, thinned
from purchase_pred.schema import USER_ID
from purchase_pred.settings.training import SamplingSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray

    from purchase_pred.evaluation.drift import AdversarialValidation
    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.models.rows.feature_rows import FeatureRows

SINGLE_FEATURE_AUC: Final = 0.95
"""A feature that separates the labels alone as well as this has probably seen them."""
KEPT_PRECISION: Final = 0.6
"""Share of its lift over chance that average precision should keep from train to test."""
ADVERSARIAL_AUC: Final = 0.80
"""Train and test rows that can be told apart as well as this come from different worlds."""
FEW_POSITIVES: Final = 100
"""With fewer positives in test, its figures are mostly chance."""

CHECKS: Final = ("single_feature_auc", "train_test_gap", "adversarial_validation", "shared_users", "few_positives")
"""What is looked at, in this order."""

_SCHEMA: Final = {
    "check": pl.String, "subject": pl.String,
    "value": pl.Float64, "limit": pl.Float64, "flagged": pl.Boolean, "meaning": pl.String,
}  # fmt: skip
_NEGATIVES_PER_POSITIVE: Final = 20.0
_MOST_ROWS: Final = 250_000
"""Rows that a single feature's AUC is taken from at the most: its limit is far from chance."""
_NAMED: Final = 5


def red_flags(
    model: FittedModel, splits: Mapping[str, FeatureRows | ScoredSplit], /, *, seed: int = 0, threads: int | None = None
) -> pl.DataFrame:
    """Return what should make the reader doubt the figures, and what was looked at without finding anything.

    Parameters
    ----------
    model
        The model that was evaluated.
    splits
        Feature frames of train, val and test.
    seed
        Seed of the samples and of the adversarial validation.
    threads
        Threads of the adversarial validation; none: all cores.

    Returns
    -------
    table
        `check`, `subject`, `value`, `limit` (null where there is none), `flagged`, `meaning` (a sentence). Checks:

        - ``single_feature_auc``: the feature whose ROC-AUC alone is largest, and every other above 0.95; missing
          values rank below all others, categories by their share of positives, and an AUC below 0.5 is turned round
        - ``train_test_gap``: lift of average precision over prevalence in test, as a share of that in train
        - ``adversarial_validation``: ROC-AUC of telling test from train rows, users and days kept apart; the
          features that tell them apart are named
        - ``shared_users``: users with rows in both of two splits; natural in a split by time, so never flagged
        - ``few_positives``: positives in test
    """
    judged = scored_splits([model], {name: splits[name] for name in ("train", "test")})
    found = {name: metrics(split.labels, split.probabilities(model)) for name, split in judged.items()}
    flags = data_red_flags(splits, left_out=model.spec.left_out, seed=seed, threads=threads)
    return model_red_flags(model.name, found, flags=flags)


def data_red_flags(
    splits: Mapping[str, FeatureRows | ScoredSplit],
    /,
    *,
    left_out: Collection[str] = (),
    seed: int = 0,
    threads: int | None = None,
) -> pl.DataFrame:
    """Return those red flags that the data alone raises: the same for every model of these splits.

    Features that are left out of the models neither give a label away nor drift, and are not looked at.
    """
    frames = {name: split.features if isinstance(split, ScoredSplit) else split for name, split in splits.items()}
    train, test = (frames[name].drop(left_out, strict=False) for name in ("train", "test"))
    rows = [
        *_single_feature_rows(train),
        _adversarial_row(adversarial_validation(train, test, seed=seed, threads=threads)),
        *_shared_user_rows(frames),
        _few_positives_row(test),
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def model_red_flags(name: str, found: Mapping[str, Mapping[str, Any]], /, *, flags: pl.DataFrame) -> pl.DataFrame:
    """Add to the red flags of the data those of a model, from its metrics on train and test."""
    gap = pl.DataFrame([_gap_row(name, found)], schema=_SCHEMA, orient="row")
    return pl.concat([flags, gap]).sort(pl.col("check").cast(pl.Enum(CHECKS)), maintain_order=True)


def single_feature_auc(frame: FeatureRows, /) -> pl.DataFrame:
    """Return the ROC-AUC of every feature alone, largest first, ties by name: `feature`, `auc`.

    Taken on all positives and about 20 negatives for each, drawn by their keys. Missing values rank below all others;
    categories rank by their share of positives; an AUC below 0.5 is turned round. Null with labels of one class.
    """
    spec, known = spec_of(frame), RowLabels.of(frame)
    sampling = SamplingSettings(negatives_per_positive=_NEGATIVES_PER_POSITIVE)
    drawn = sample_negatives(known.labels, known.draws, settings=sampling)
    sample = thinned(drawn, known.labels, known.draws, most=_MOST_ROWS)
    matrix = matrix_of(frame, spec, numbers=sample.rows, height=len(known))
    labels = known.labels if sample.rows is None else known.labels[sample.rows]
    aucs = [
        _auc(labels, _rates(column, labels) if position in spec.categorical else column)
        for position, column in enumerate(matrix.T)
    ]
    table = pl.DataFrame({"feature": list(spec.names), "auc": pl.Series(aucs, dtype=pl.Float64)})
    return table.sort("auc", "feature", descending=[True, False], nulls_last=True)


def shared_users(splits: Mapping[str, FeatureRows], /) -> pl.DataFrame:
    """Return how many users have rows in both of two splits: `first`, `second`, `users`, `share` of the second's.

    Examples
    --------
    >>> shared_users({"train": pl.DataFrame({"user_id": [1, 2]}), "test": pl.DataFrame({"user_id": [2, 3]})}).rows()
    [('train', 'test', 1, 0.5)]
    """
    found = {name: frame.lazy().select(pl.col(f"^{USER_ID}$").unique()).collect() for name, frame in splits.items()}
    users = {name: frame[USER_ID] for name, frame in found.items() if frame.width}
    rows = []
    for first, second in combinations(users, 2):
        shared = int(users[second].is_in(users[first].implode()).sum())
        rows.append((first, second, shared, shared / len(users[second]) if len(users[second]) else None))
    schema = {"first": pl.String, "second": pl.String, "users": pl.UInt32, "share": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _auc(labels: NDArray[np.uint8], column: NDArray[np.floating]) -> float | None:
    scores = np.where(np.isnan(column), -np.inf, column)
    auc = metrics(labels, scores, probabilities=False)["roc_auc"]
    return None if auc is None else max(auc, 1.0 - auc)


def _rates(codes: NDArray[np.float32], labels: NDArray[np.uint8]) -> NDArray[np.float64]:
    _, group = np.unique(codes, return_inverse=True)
    rates: NDArray[np.float64] = np.bincount(group, weights=labels) / np.bincount(group)
    return rates[group]


def _single_feature_rows(train: FeatureRows) -> Iterator[tuple[Any, ...]]:
    table = single_feature_auc(train).drop_nulls()
    for position, (feature, auc) in enumerate(table.iter_rows()):
        flagged = auc > SINGLE_FEATURE_AUC
        if position and not flagged:
            break
        meaning = (
            "this feature alone nearly gives the label away: check that it does not look beyond the prediction time"
            if flagged
            else "no single feature gives the label away; this one comes closest"
        )
        yield "single_feature_auc", feature, auc, SINGLE_FEATURE_AUC, flagged, meaning


def _gap_row(name: str, found: Mapping[str, Mapping[str, Any]]) -> tuple[Any, ...]:
    train, test = found["train"], found["test"]
    kept = None
    if train["average_precision"] is not None and test["average_precision"] is not None:
        lifts = [one["average_precision"] / one["prevalence"] - 1.0 for one in (train, test)]
        kept = lifts[1] / lifts[0] if lifts[0] > 0 else None
    flagged = kept is not None and kept < KEPT_PRECISION
    meaning = (
        "the model remembers its training rows more than it learns from them, or the world has changed"
        if flagged
        else "test keeps the greater part of the lift that the training rows show"
    )
    return "train_test_gap", name, kept, KEPT_PRECISION, flagged, meaning


def _adversarial_row(found: AdversarialValidation | None) -> tuple[Any, ...]:
    if found is None:
        meaning = "too few users or days to tell train and test apart"
        return "adversarial_validation", "train, test", None, ADVERSARIAL_AUC, False, meaning
    flagged = found.auc > ADVERSARIAL_AUC
    drifting = ", ".join(found.features["feature"].head(_NAMED))
    meaning = f"train and test rows {'can be told apart' if flagged else 'look alike'}; most telling: {drifting}"
    return "adversarial_validation", "train, test", found.auc, ADVERSARIAL_AUC, flagged, meaning


def _shared_user_rows(splits: Mapping[str, FeatureRows]) -> Iterator[tuple[Any, ...]]:
    for first, second, users, share in shared_users(splits).iter_rows():
        meaning = (
            f"{users} users of {second} ({share or 0.0:.0%}) have rows in {first} too, as in use; "
            "the others are in the cohort of new users"
        )
        yield "shared_users", f"{first}, {second}", float(users), None, False, meaning


def _few_positives_row(test: FeatureRows) -> tuple[Any, ...]:
    positives = int(labels_of(test).sum())
    flagged = positives < FEW_POSITIVES
    meaning = "the figures on test are mostly chance" if flagged else "enough positives to judge by"
    return "few_positives", "test", float(positives), float(FEW_POSITIVES), flagged, meaning
