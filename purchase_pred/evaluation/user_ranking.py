"""How well scores order the rows of each user: hit rate, recall and NDCG at k, averaged over users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

CUTOFFS: Final = (1, 5, 10)
"""How many rows of each user are looked at."""
RANKING: Final = "ranking"
USERS: Final = "users"

_DISCOUNTS: Final = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, max(CUTOFFS) + 2)))])
"""What the first 0, 1, 2 ... places are worth together."""


def user_ranking(users: pl.Series, labels: ArrayLike, scores: ArrayLike | None, /) -> dict[str, float | None]:
    """Return how well scores order each user's rows, averaged over the users with a positive.

    At k, the hit rate is the share of users with a positive among their k highest rows, recall the share of a user's
    positives that are among them, and NDCG the sum of 1 / log2(place + 1) over them against that of the best order
    (Jarvelin and Kekalainen, 2002). Of rows with equal scores every order is as likely, and the figures are the means
    over all orders (McSherry and Najork, 2008): a rule with few distinct scores gains or loses nothing by its ties.

    Parameters
    ----------
    users
        The user of each row.
    labels
        0 or 1.
    scores
        Finite or infinite, higher is more likely; None: the rows cannot be scored.

    Returns
    -------
    figures
        `hit_rate_at_1`, `recall_at_1`, `ndcg_at_1`, the same at 5 and 10; None without scores or a positive.

    Examples
    --------
    >>> found = user_ranking(pl.Series([7, 7, 7, 8]), [0, 1, 0, 0], [0.9, 0.5, 0.1, 0.3])
    >>> found["hit_rate_at_1"], found["recall_at_5"], round(found["ndcg_at_5"], 4)
    (0.0, 1.0, 0.6309)
    """
    rows = np.asarray(labels)
    if scores is None or not rows.any():
        return {f"{name}_at_{k}": None for k in CUTOFFS for name in ("hit_rate", "recall", "ndcg")}
    groups = _tied_groups(users, rows, np.asarray(scores))
    figures: dict[str, float | None] = {}
    for k in CUTOFFS:
        found = _at(groups, k).select(pl.col("hit_rate", "recall", "ndcg").mean()).row(0, named=True)
        figures |= {f"{name}_at_{k}": float(value) for name, value in found.items()}
    return figures


def ranking_document(
    users: pl.Series, labels: NDArray[np.uint8], /, scores: Mapping[str, NDArray[np.float64] | None]
) -> dict[str, Any]:
    """Return `users`, how many have a positive, and the figures of `user_ranking` of each of several scores."""
    counted = int(users.filter(pl.Series(labels).cast(pl.Boolean)).n_unique())
    return {USERS: counted, **{name: user_ranking(users, labels, found) for name, found in scores.items()}}


def ranking_table(documents: Sequence[Mapping[str, Any]], /) -> pl.DataFrame:
    """Return the figures per user on test of the rules and of models: `name` and what `user_ranking` returns.

    Models whose document has none, as of other levels than `user_item`, are left out, and without any so are rules.
    """
    ranked = [document for document in documents if document.get(RANKING)]
    rows = [{"name": name, **found} for name, found in (ranked[0][RANKING] if ranked else {}).items()
            if name not in {USERS, "model"}]  # fmt: skip
    rows += [{"name": document["model"], **document[RANKING]["model"]} for document in ranked]
    figures = user_ranking(pl.Series([], dtype=pl.Int64), [], None)
    return pl.DataFrame(rows, schema={"name": pl.String, **dict.fromkeys(figures, pl.Float64)})


def _tied_groups(users: pl.Series, labels: NDArray[Any], scores: NDArray[Any]) -> pl.DataFrame:
    """Return the rows of each user and score together, of users with a positive: how many, and where they begin."""
    bought = users.is_in(users.filter(pl.Series(labels == 1)).unique().implode())
    own = bought.to_numpy()
    frame = pl.DataFrame({"user": users.filter(bought), "label": labels[own].astype(np.int64), "score": scores[own]})
    size, user = pl.col("rows"), "user"
    return (
        frame.group_by(user, "score")
        .agg(pl.len().cast(pl.Int64).alias("rows"), pl.col("label").sum().alias("positives"))
        .sort(user, "score", descending=[False, True])
        .with_columns(
            (size.cum_sum() - size).over(user).alias("before"), pl.col("positives").sum().over(user).alias("all")
        )
    )


def _at(groups: pl.DataFrame, k: int) -> pl.DataFrame:
    """Return hit rate, recall and NDCG at k of each user."""
    rows, positives, before = (groups[name].to_numpy() for name in ("rows", "positives", "before"))
    inside = np.clip(k - before, 0, rows)
    share = positives / rows
    start = np.minimum(before, k)
    missed = np.ones(len(rows))
    for place in range(k):  # the chance that none of those inside is a positive, drawn one by one without replacement
        left = np.maximum(rows - place, 1)
        missed *= np.where(place < inside, np.maximum(rows - positives - place, 0) / left, 1.0)
    ideal = _DISCOUNTS[np.minimum(groups["all"].to_numpy(), k)]
    parts = groups.select("user").with_columns(
        missed=missed,
        recall=share * inside / groups["all"].to_numpy(),
        ndcg=share * (_DISCOUNTS[start + inside] - _DISCOUNTS[start]) / ideal,
    )
    return parts.group_by("user", maintain_order=True).agg(
        (1 - pl.col("missed").product()).alias("hit_rate"), pl.col("recall", "ndcg").sum()
    )
