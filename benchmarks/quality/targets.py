"""The targets of the quality benchmark, and whether they are met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.quality.cdnow import RIVALS
from benchmarks.quality.heads import RULES
from benchmarks.quality.spend import RIVAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Target = dict[str, Any]

SHARE_OF_CEILING: Final = 0.70
ECE: Final = 0.005
TIMES_BARE: Final = 1.25
_FIGURES: Final = {"average_precision": "PR-AUC", "log_loss": "log-loss"}


def targets(parts: Mapping[str, Mapping[str, Any]], /) -> list[Target]:
    """Return each target with its limit, the figure reached (null where not measured), interval, and whether it is met.

    A difference is met when its whole 95 % interval lies above zero, over seeds also every single one.
    """
    return [
        *_of_worlds(parts.get("seeds", {}).get("over_seeds", {})),
        *_of_cdnow(parts.get("cdnow", {})),
        *_of_spend(parts.get("spend", {})),
        *_of_rees46(parts.get("rees46", {})),
        _of_otto(parts.get("otto", {})),
        *_of_training(parts.get("training", {})),
    ]


def _of_worlds(found: Mapping[str, Mapping[str, float]]) -> Iterator[Target]:
    share = found.get("share_of_ceiling")
    met = None if share is None else share["mean"] >= SHARE_OF_CEILING
    yield _target("default world: PR-AUC of the best booster / ceiling", f">= {SHARE_OF_CEILING}", share, met)
    for difference, name in (
        ("booster - logistic", "best booster - logistic"),
        ("logistic - rule", "logistic - best rule"),
    ):
        over = found.get(difference)
        met = None if over is None else over["low"] is not None and min(over["low"], over["least"]) > 0
        yield _target(f"default world: PR-AUC of {name}", "> 0", over, met)
    ece = found.get("ece")
    met = None if ece is None else ece["mean"] <= ECE
    yield _target("default world: ECE of the best booster, mean", f"<= {ECE}", ece, met)
    worst = None if ece is None else {"mean": ece["most"]}
    met = None if ece is None else ece["most"] <= ECE
    yield _target("default world: ECE of the best booster, worst seed", f"<= {ECE}", worst, met)


def _of_cdnow(found: Mapping[str, Any]) -> Iterator[Target]:
    differences = {
        (row["rival"], row["figure"]): row for row in found.get("differences", ()) if row["ours"] == found["chosen"]
    }
    for rival in RIVALS:
        for figure, name in _FIGURES.items():
            better = "ours - " if figure == "average_precision" else "less than "
            yield _difference(f"CDNOW, {name}: {better}{rival}", differences.get((rival, figure)))
    yield _through_the_drift(found)


def _through_the_drift(found: Mapping[str, Any]) -> Target:
    what = "CDNOW: ECE through the drift of the base rate"
    if not found:
        return _target(what, "<= the best rival's", None, None)
    ece = {row["name"]: row["ece"] for row in found["models"]}
    ours, least = ece[found["chosen"]], min(ece[rival] for rival in RIVALS)
    return _target(what, f"<= the best rival's {least:.4f}", {"mean": ours}, ours <= least)


def _of_spend(found: Mapping[str, Any]) -> Iterator[Target]:
    over = {
        row["figure"]: row
        for row in found.get("differences", ())
        if row["rival"] == RIVAL and row["ours"] == found["chosen"]
    }
    for figure, told in (
        ("mean_absolute_error", "error of spend: less than"),
        ("captured_at_10pct", "money in the best 10 %: ours -"),
    ):
        yield _difference(f"CDNOW, {told} {RIVAL}", over.get(figure))


def _of_rees46(found: Mapping[str, Any]) -> Iterator[Target]:
    for rule in RULES:
        over = found.get("differences", {}).get(rule)
        yield _difference(f"REES46 head, PR-AUC: best booster - {rule}", over)


def _of_otto(found: Mapping[str, Any]) -> Target:
    met = bool(found["verdict"]) if found else None
    positives = {"mean": found["positives"]} if found else None
    return _target(
        "OTTO head: runs, and says that it is too small to judge (positives in test)", "says so", positives, met
    )


def _of_training(found: Mapping[str, Any]) -> Iterator[Target]:
    for kind in ("lightgbm", "xgboost"):
        times = found.get(kind)
        met = None if times is None else times["times_bare"] <= TIMES_BARE
        reached = None if times is None else {"mean": times["times_bare"]}
        yield _target(f"training time: {kind} / bare booster", f"<= {TIMES_BARE}", reached, met)


def _difference(target: str, over: Mapping[str, float | None] | None) -> Target:
    met = None if over is None else over["low"] is not None and over["low"] > 0
    return _target(target, "> 0", over, met)


def _target(target: str, limit: str, found: Mapping[str, float | None] | None, met: bool | None) -> Target:  # noqa: FBT001
    found = found or {}
    interval = {"low": found.get("low"), "high": found.get("high")}
    return {"target": target, "limit": limit, "reached": found.get("mean"), **interval, "met": met}
