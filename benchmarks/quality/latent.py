"""What a booster reaches with the simulator's hidden state among its features, as of the prediction time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from benchmarks.quality.worlds import world
from purchase_pred.metrics import metrics
from purchase_pred.models import train_models
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.pipeline.engine.workspace import TRUTH_FILE, USERS_FILE
from purchase_pred.schema import ITEM_ID, PERSONA, PREDICTION_TIME, USER_ID
from purchase_pred.simulation.truth import (
    ABANDONMENT,
    CART_INTENT,
    CARTED_AT,
    ENDED_AT,
    INTENT,
    ITEMS,
    MAX_VISITS,
    OPENED_AT,
    PACE,
    READY_AT,
    SENSITIVITY,
    SHARES,
    VISIT_AT,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from benchmarks.quality import Plan
    from purchase_pred.settings import Settings

_MODEL: Final = "lightgbm"
_FIGURES: Final = ("average_precision", "log_loss", "ece")
_ROW: Final = "row"
_ALIVE: Final = "latent_alive"
_FAVOURITE: Final = "latent_favourite"
PARTLY: Final = {
    "the item is still wanted": (_ALIVE,),
    "the item is still wanted, and is the favourite": (_ALIVE, _FAVOURITE),
}
"""Parts of the latent state, which show where the distance to the ceiling lies."""
_TRAITS: Final = (SHARES, INTENT, SENSITIVITY, CART_INTENT, PACE, ABANDONMENT)


def with_latent_state(plan: Plan, /) -> dict[str, Any]:
    """Return what the booster reaches without, with parts of and with all of the latent state, and the ceiling.

    The parts are those that `PARTLY` names.
    """
    program = world(plan, seed=plan.seeds[0])
    settings = program.settings
    alone = settings.model_copy(update={"train": settings.train.model_copy(update={"models": (_MODEL,)})})
    truth = pl.read_parquet(program.workspace.path(TRUTH_FILE))
    users = pl.read_parquet(program.workspace.path(USERS_FILE))
    plain_splits = program.splits()
    splits = {name: with_latent_columns(frame, truth, users) for name, frame in plain_splits.items()}
    latent = set(splits["test"].columns) - set(plain_splits["test"].columns)
    everything = _reached(splits, alone, hidden=())
    plain, ceiling = program.documents()[_MODEL]["splits"]["test"], program.ceiling(_MODEL)
    return {
        "model": _MODEL,
        "seed": plan.seeds[0],
        "without": {name: plain[name] for name in _FIGURES},
        "partly": {title: _reached(splits, alone, hidden=latent - set(shown)) for title, shown in PARTLY.items()},
        "with": everything,
        "ceiling": {name: ceiling[name] for name in _FIGURES},
        "share_of_ceiling": everything["average_precision"] / ceiling["average_precision"],
        "share_of_latent": plain["average_precision"] / everything["average_precision"],
    }


def _reached(splits: Mapping[str, pl.DataFrame], settings: Settings, /, *, hidden: Collection[str]) -> dict[str, float]:
    """Train on what is not hidden, and return the figures on test."""
    shown = {name: frame.drop(hidden) for name, frame in splits.items()}
    model = train_models(shown["train"], shown["val"], settings=settings)[0]
    found = metrics(label_vector(shown["test"]), model.predict(shown["test"]))
    return {name: found[name] for name in _FIGURES}


def with_latent_columns(rows: pl.DataFrame, truth: pl.DataFrame, users: pl.DataFrame, /) -> pl.DataFrame:
    """Return the rows with the latent state at their T: the open need for the item, and the user's persona.

    Of several open needs for the item the one with the largest share counts. Nothing that is drawn after T is used: of
    visits only those begun before T, of the end only whether it has come.
    """
    numbered = rows.with_row_index(_ROW)
    alive = _alive(numbered.select(_ROW, USER_ID, ITEM_ID, PREDICTION_TIME), truth)
    of_need = alive.sort(_ROW, SHARES, descending=[False, True]).unique(_ROW, keep="first", maintain_order=True)
    personas = users.select(USER_ID, pl.col(PERSONA).cast(pl.Enum(sorted(users[PERSONA].cast(pl.String).unique()))))
    return (
        numbered.join(personas, on=USER_ID, how="left", maintain_order="left")
        .join(of_need, on=_ROW, how="left", maintain_order="left")
        .with_columns(pl.col(_ALIVE).fill_null(value=False))
        .rename({PERSONA: "latent_persona"})
        .drop(_ROW)
    )


def _alive(rows: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Return one row per row of `rows` and need alive at its T with its item among those considered."""
    moment = pl.col(PREDICTION_TIME)
    needs = truth.with_columns(pl.col(ITEMS).list.first().alias("favourite")).explode(ITEMS, SHARES)
    pairs = rows.join(needs, left_on=[USER_ID, ITEM_ID], right_on=[USER_ID, ITEMS]).filter(
        pl.col(OPENED_AT) < moment, pl.col(ENDED_AT).is_null() | (pl.col(ENDED_AT) >= moment)
    )
    visits = (
        pairs.select(pl.int_range(pl.len()).alias("pair"), PREDICTION_TIME, VISIT_AT)
        .explode(VISIT_AT, empty_as_null=True)
        .filter(pl.col(VISIT_AT) < moment)
        .group_by("pair")
        .agg(pl.len().alias("visits"), pl.col(VISIT_AT).max().alias("last_visit"))
    )
    known = pairs.with_columns(pl.int_range(pl.len()).alias("pair")).join(visits, on="pair", how="left")
    visited = pl.col("visits").fill_null(0).cast(pl.Int64)
    return known.select(
        _ROW,
        *(pl.col(name).alias(f"latent_{name}") for name in _TRAITS if name != SHARES),
        SHARES,
        pl.lit(value=True).alias(_ALIVE),
        (pl.col("favourite") == pl.col(ITEM_ID)).alias(_FAVOURITE),
        visited.alias("latent_visits"),
        (pl.col(MAX_VISITS).cast(pl.Int64) - visited).alias("latent_visits_left"),
        (moment - pl.col("last_visit")).dt.total_seconds().alias("latent_seconds_since_visit"),
        (pl.col(READY_AT) - moment).dt.total_seconds().clip(0).alias("latent_seconds_until_ready"),
        (pl.col(CARTED_AT) < moment).fill_null(value=False).alias("latent_in_cart"),
    )
