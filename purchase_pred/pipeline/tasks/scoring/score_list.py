"""Lists that one can act on: of all scores those to act on, in order, with what each is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.durations import parse_duration
from purchase_pred.errors import ConfigError, InputError
from purchase_pred.pipeline.model_files import read_metrics
from purchase_pred.schema import EVENT_TYPE, ITEM_ID, PURCHASE, TIMESTAMP, USER_ID, instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from pathlib import Path

    from purchase_pred.names import Audience

SCORE: Final = "score"
PRICE_NOW: Final = "item_current_price"
"""The feature that holds what the item costs the user: the price last shown, else the catalog's."""
MODEL: Final = "model"
AS_OF: Final = "as_of"
PROBABILITY: Final = "probability"
RANK: Final = "rank"
EXPECTED_VALUE: Final = "expected_value"
EXPECTED_SPEND: Final = "expected_spend"
"""Of models that were trained with `target.value`: probability times the amount given a purchase."""
REASON: Final = "reason"


@dataclass(frozen=True)
class ListRules:
    """Which scores a list holds; the rules apply in the order of their fields."""

    never_bought: bool = False
    """Only users who have not bought anything before the moment."""
    exclude_bought: timedelta | None = None
    """Leave out users who bought in so long before the moment; where predictions have an item, who bought that item."""
    threshold: float | None = None
    """Only scores of at least this."""
    top_per_user: int | None = None
    """Only the highest of each user."""
    top: int | None = None
    """Only the highest of all."""
    reasons: int = 0
    """How many reasons to name for each."""


def chosen_scores(
    scores: pl.DataFrame, known: pl.LazyFrame, /, *, rules: ListRules, keys: Sequence[str], as_of: datetime, model: str
) -> pl.LazyFrame:
    """Return the list that rules make of scores.

    Parameters
    ----------
    scores
        The keys, ``score`` (Float64) and whatever else describes a row; ``item_current_price`` where it is known.
    known
        The events before the moment.
    rules
        What the list holds.
    keys
        The key columns, by which ties are put in order.
    as_of
        The moment.
    model
        The name of the model.

    Returns
    -------
    LazyFrame
        The columns of `scores` but the price, the highest first, ties by key, and ``model``, ``as_of``,
        ``probability`` (the score), ``rank`` (UInt32, from 1, in this list) and ``expected_value`` (Float64:
        probability times price; null where no price is known).

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> scores = pl.DataFrame({"user_id": [7, 7, 8], "item_id": [1, 2, 1], "score": [0.2, 0.5, 0.1]})
    >>> moment = datetime(2024, 9, 1, tzinfo=timezone.utc)
    >>> rules = ListRules(top_per_user=1)
    >>> chosen = chosen_scores(
    ...     scores, pl.LazyFrame(), rules=rules, keys=["user_id", "item_id"], as_of=moment, model="lightgbm"
    ... )
    >>> chosen.select("user_id", "item_id", "rank").collect().rows()
    [(7, 2, 1), (8, 1, 2)]
    """
    listed = scores.lazy()
    if rules.never_bought:
        buyers = known.filter(pl.col(EVENT_TYPE) == PURCHASE).select(USER_ID).unique()
        listed = listed.join(buyers, on=USER_ID, how="anti")
    if rules.exclude_bought is not None:
        unit = [name for name in (USER_ID, ITEM_ID) if name in keys]
        bought = known.filter(
            pl.col(EVENT_TYPE) == PURCHASE, pl.col(TIMESTAMP) >= instant(as_of, what="as_of") - rules.exclude_bought
        )
        listed = listed.join(bought.select(unit).unique(), on=unit, how="anti")
    if rules.threshold is not None:
        listed = listed.filter(pl.col(SCORE) >= rules.threshold)
    listed = listed.sort(SCORE, *keys, descending=[True, *(False for _ in keys)])
    if rules.top_per_user is not None:
        listed = listed.filter(pl.col(USER_ID).cum_count().over(USER_ID) <= rules.top_per_user)
    if rules.top is not None:
        listed = listed.head(rules.top)
    price = pl.col(PRICE_NOW) if PRICE_NOW in scores.columns else pl.lit(None, dtype=pl.Float64)
    return listed.with_columns(
        pl.lit(model).alias(MODEL),
        instant(as_of, what="as_of").alias(AS_OF),
        pl.col(SCORE).alias(PROBABILITY),
        pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).alias(RANK),
        (pl.col(SCORE) * price).alias(EXPECTED_VALUE),
    ).select(pl.exclude(PRICE_NOW))


@dataclass(frozen=True)
class AskedRules:
    """Rules as somebody typed them."""

    top: int | None = None
    top_per_user: int | None = None
    threshold: str | None = None
    """A probability, or "model": the one that training chose for the model."""
    exclude_bought: str | None = None
    reasons: int = 0
    audience: Audience | None = None
    """One row of each user, by default down to the threshold that training chose, or to `top`."""

    def check(self) -> None:
        """Raise where no model could make rules of them.

        Raises
        ------
        ConfigError
            The threshold is no probability, or `exclude_bought` no duration.
        """
        self._excluded()
        if self.threshold not in {None, MODEL}:
            _probability(str(self.threshold))

    def for_model(self, model: Path, /) -> ListRules:
        """Return the rules of a list of this model.

        Raises
        ------
        ConfigError
            As for `check`.
        InputError
            The model has no threshold, or answers another question than the audience asks.
        """
        self._check_audience(model)
        asked = MODEL if self.audience and self.threshold is None and self.top is None else self.threshold
        threshold = None if asked is None else _chosen_threshold(model) if asked == MODEL else _probability(asked)
        return ListRules(
            never_bought=self.audience == "first_buyers",
            exclude_bought=self._excluded(),
            threshold=threshold,
            top_per_user=1 if self.audience and self.top_per_user is None else self.top_per_user,
            top=self.top,
            reasons=self.reasons,
        )

    def _check_audience(self, model: Path) -> None:
        if self.audience is None:
            return
        found = (read_metrics(model).get("target") or {}).get("kind", "purchase")
        needed = "churn" if self.audience == "likely_to_leave" else "purchase"
        if found != needed:
            raise InputError(
                f"--audience {self.audience} needs a model of target.kind {needed}, and {model.name} is of {found}: "
                f"name another by --model, or train one by --set target.kind={needed}"
            )

    def _excluded(self) -> timedelta | None:
        try:
            return None if self.exclude_bought is None else parse_duration(self.exclude_bought)
        except ValueError as error:
            raise ConfigError(f"--exclude-bought: {error}") from error


def _probability(text: str) -> float:
    try:
        threshold = float(text)
    except ValueError:
        threshold = -1.0
    if not 0 <= threshold <= 1:
        raise ConfigError(f"--threshold must be a probability, 0 to 1, or {MODEL}, found {text!r}")
    return threshold


def _chosen_threshold(model: Path) -> float:
    chosen = (read_metrics(model).get("threshold") or {}).get("threshold")
    if not isinstance(chosen, int | float):
        raise InputError(
            f"{model}: on validation no threshold was found at which acting is worth it (train.threshold); "
            "give a probability, such as --threshold 0.2"
        )
    return float(chosen)
