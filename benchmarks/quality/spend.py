"""CDNOW: what everybody spends in the next 30 days, beside BG/NBD with Gamma-Gamma; and the boosters of amounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from benchmarks.quality.amounts import by_kind
from benchmarks.quality.cdnow import SETTINGS, fetched
from benchmarks.quality.histories import expected_money
from benchmarks.quality.intervals import interval
from benchmarks.quality.program import BOOSTERS, Program, best_on_validation
from purchase_pred.evaluation.spend import decile_table, spend_metrics
from purchase_pred.models.thresholds import drawn_users
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE
from purchase_pred.schema import EVENT_TYPE, LABEL, LABEL_VALUE, PRICE, PURCHASE, TIMESTAMP, USER_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from benchmarks.quality import Plan

RIVAL: Final = "BG/NBD x Gamma-Gamma"
MEAN: Final = "probability x mean amount"
FIGURES: Final = ("mean_absolute_error", "root_mean_squared_error", "captured_at_10pct")
_DAYS: Final = 30.0
_TOP: Final = 0.1
_CELLS: Final = 4_000_000
_REVENUE: Final = "target.value=revenue"
_BY_USER: Final = ("target.level=user", "anchors.kind=calendar", "anchors.every=1d", "anchors.active_within=30d")


def beside_gamma_gamma(plan: Plan, /) -> dict[str, Any]:
    """Return errors and captured money of models and rival on the same test rows, and those of kinds of boosters."""
    program = Program(plan.workspaces / "cdnow_spend", files=(SETTINGS,), assignments=(_REVENUE,))
    program.ingest("cdnow", fetched(plan))
    program.run("run", "all", "--skip-data-gen")
    splits, models, documents = program.splits(), program.models(), program.documents()
    test, spent = splits["test"], splits["test"][LABEL_VALUE].to_numpy()
    purchases = pl.read_parquet(program.workspace.path(SESSIONIZED_FILE)).filter(pl.col(EVENT_TYPE) == PURCHASE)
    chosen, booster = best_on_validation(documents), best_on_validation(documents, BOOSTERS)
    said = {kind: model.predict_spend(test) for kind, model in models.items()}
    mean = float(splits["train"].filter(pl.col(LABEL) == 1)[LABEL_VALUE].mean())  # type: ignore[arg-type]
    said[MEAN] = models[chosen].predict(test) * mean
    said[RIVAL] = expected_money(test, purchases.select(USER_ID, TIMESTAMP, PRICE), days=_DAYS)
    users = test[USER_ID].rank("dense").cast(pl.Int64).to_numpy() - 1
    draws = over_users(users, spent, said, resamples=plan.resamples)
    return {
        "rows": test.height,
        "money": float(spent.sum()),
        "error_of_nothing": float(spent.mean()),
        "chosen": chosen,
        "booster": booster,
        "models": [
            {"name": name, "expected_over_realised": spend_metrics(spent, p)["expected_over_realised"]}
            | {figure: interval(draws[name][figure]) for figure in FIGURES}
            for name, p in said.items()
        ],
        "differences": [
            {"ours": ours, "rival": rival, "figure": figure}
            | interval((draws[ours][figure] - draws[rival][figure]) * (1.0 if figure == FIGURES[-1] else -1.0))
            for ours in dict.fromkeys((chosen, booster))
            for rival in (MEAN, RIVAL)
            for figure in FIGURES
        ],
        "deciles": decile_table(spent, said[chosen]).to_dicts(),
        "kinds": _kinds(plan, splits),
    }


def over_users(
    users: NDArray[np.int64], spent: NDArray[np.float64], said: Mapping[str, Any], /, *, resamples: int, seed: int = 0
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return the figures of each expectation on all rows and then in resamples of whole users, the same for all.

    Captured is the money on the best tenth of the rows that were drawn, ties in the order of the rows.
    """
    orders = {name: np.argsort(-p, kind="stable") for name, p in said.items()}
    errors = {name: np.bincount(users, weights=np.abs(p - spent)) for name, p in said.items()}
    squares = {name: np.bincount(users, weights=(p - spent) ** 2) for name, p in said.items()}
    rows = np.bincount(users).astype(np.float64)
    everybody = np.ones((1, len(rows)))
    drawn = drawn_users(len(rows), resamples, chunk=max(1, _CELLS // len(users)), seed=seed)
    found: dict[str, dict[str, list[Any]]] = {name: {figure: [] for figure in FIGURES} for name in said}
    for weights in (everybody, *drawn):
        for name, order in orders.items():
            found[name][FIGURES[0]].append(weights @ errors[name] / (weights @ rows))
            found[name][FIGURES[1]].append(np.sqrt(weights @ squares[name] / (weights @ rows)))
            found[name][FIGURES[2]].append(_captured(weights[:, users[order]], spent[order]))
    return {name: {figure: np.concatenate(parts) for figure, parts in one.items()} for name, one in found.items()}


def _captured(weights: NDArray[np.float64], spent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the money on the first tenth of the rows, each counted as often as it was drawn."""
    counted = np.cumsum(weights, axis=1)
    taken = np.ceil(counted[:, -1:] * _TOP)
    inside = np.clip(taken - (counted - weights), 0.0, weights)
    captured: NDArray[np.float64] = (inside @ spent) / (weights @ spent)
    return captured


def _kinds(plan: Plan, cdnow: dict[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Return how boosters of other kinds do on CDNOW and on two questions to the default world."""
    seed = f"dataset.random_seed={plan.seeds[0]}"
    size = (f"dataset.num_users={max(100, plan.users // 4)}", seed, *plan.assignments)
    shops = {"shop, by item": (_REVENUE, *size), "shop, by user": (_REVENUE, *_BY_USER, *size)}
    settings = Program(plan.workspaces / "cdnow_spend", files=(SETTINGS,), assignments=(_REVENUE,)).settings
    found = [{"log": "CDNOW", **row} for row in by_kind(cdnow, settings)]
    for name, assignments in shops.items():
        program = Program(plan.workspaces / name.replace(", ", "_").replace(" ", "_"), assignments=assignments)
        program.run("run", "generate", "sessionize", "features")
        found += [{"log": name, **row} for row in by_kind(program.splits(), program.settings)]
    return found
