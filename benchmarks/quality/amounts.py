"""Boosters of amounts of several kinds, on the same rows: which one says best what buyers spend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import lightgbm as lgb
import numpy as np

from purchase_pred.evaluation.spend import spend_metrics
from purchase_pred.models import train_models
from purchase_pred.models.amount_model import amount_parameters
from purchase_pred.models.rows.design_matrix import design_matrix
from purchase_pred.schema import LABEL, LABEL_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import NDArray

    from purchase_pred.settings import Settings

KINDS: Final[Mapping[str, dict[str, Any]]] = {
    "Tweedie 1.2": {"objective": "tweedie", "tweedie_variance_power": 1.2},
    "Tweedie 1.5": {"objective": "tweedie", "tweedie_variance_power": 1.5},
    "gamma": {"objective": "gamma"},
    "log-normal": {"objective": "regression"},
}
ALL_ROWS: Final = "Tweedie 1.2, all rows at once"


def by_kind(splits: Mapping[str, pl.DataFrame], settings: Settings, /) -> list[dict[str, Any]]:
    """Return the mean error of the amount given a purchase, and of the expected spend and what it captures, on test.

    All booster are stopped by validation and scaled to what was spent there; the probability is LightGBM's.
    """
    alone = settings.model_copy(update={"train": settings.train.model_copy(update={"models": ("lightgbm",)})})
    model = train_models(splits["train"], splits["val"], settings=alone)[0]
    matrices = {name: design_matrix(frame, model.spec) for name, frame in splits.items()}
    values = {name: frame[LABEL_VALUE].fill_null(0.0).to_numpy() for name, frame in splits.items()}
    buys = {name: values[name] > 0 for name in splits}
    p = model.predict(splits["test"])
    rows = []
    for name, parameters in KINDS.items():
        logarithms = name == "log-normal"
        said = _amounts(matrices, values, buys, {**amount_parameters(values["train"][buys["train"]], settings),
                        **parameters}, settings, logarithms=logarithms)  # fmt: skip
        rows.append({"kind": name, **_figures(said, p * said, values["test"], buys["test"])})
    everything = {name: np.ones(len(found), dtype=np.bool_) for name, found in values.items()}
    parameters = {**amount_parameters(values["train"], settings), **KINDS["Tweedie 1.2"]}
    said = _amounts(matrices, values, everything, parameters, settings)
    rows.append({"kind": ALL_ROWS, **_figures(None, said, values["test"], buys["test"])})
    mean = np.full(len(p), values["train"][splits["train"][LABEL].to_numpy() == 1].mean())
    return [*rows, {"kind": "mean of all buyers", **_figures(mean, p * mean, values["test"], buys["test"])}]


def _amounts(
    matrices: Mapping[str, NDArray[np.float32]],
    values: Mapping[str, NDArray[np.float64]],
    rows: Mapping[str, NDArray[np.bool_]],
    parameters: dict[str, Any],
    settings: Settings,
    *,
    logarithms: bool = False,  # the booster is fitted to them
) -> NDArray[np.float64]:
    told = np.log if logarithms else np.asarray
    train, stop = (
        lgb.Dataset(matrices[name][rows[name]], label=told(values[name][rows[name]]), params=parameters)
        for name in ("train", "val")
    )
    stop.set_reference(train)
    patience = lgb.early_stopping(settings.train.early_stopping_rounds, verbose=False)
    booster = lgb.train(parameters, train, settings.train.lightgbm.max_rounds, valid_sets=[stop], callbacks=[patience])
    said = {name: np.asarray(booster.predict(matrices[name]), dtype=np.float64) for name in ("val", "test")}
    said = {name: np.exp(found) if logarithms else found for name, found in said.items()}
    scale = values["val"][rows["val"]].sum() / said["val"][rows["val"]].sum()
    amounts: NDArray[np.float64] = scale * said["test"]
    return amounts


def _figures(
    amounts: NDArray[np.float64] | None,
    expected: NDArray[np.float64],
    values: NDArray[np.float64],
    buys: NDArray[np.bool_],
) -> dict[str, float | None]:
    found = spend_metrics(values, expected)
    return {
        "error_of_amount": None if amounts is None else float(np.abs(amounts[buys] - values[buys]).mean()),
        "mean_absolute_error": found["mean_absolute_error"],
        "captured_at_10pct": found["captured_at_10pct"],
    }
