"""The results of the quality benchmark, as the tables of RESULTS.md and as the few lines of the README."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Rows = "Iterable[tuple[str, ...]]"

_WIDTH: Final = 118
_NAMES: Final = {
    "ceiling": "ceiling (hidden state known)",
    "ceiling_inferred_abandonment": "ceiling, abandonment inferred",
    "carted_not_bought": "carted, not bought",
    "recency": "latest view",
}


def in_words(document: Mapping[str, Any], /) -> Iterator[str]:
    """Yield the results in a few lines, for the README and the terminal."""
    parts = document["parts"]
    told = {
        "seeds": _worlds_line,
        "latent": _latent_line,
        "curve": _curve_line,
        "cdnow": _cdnow_lines,
        "spend": _spend_lines,
    }
    told |= {"rees46": _rees46_line, "otto": _otto_line, "training": _training_line}
    for name, tell in told.items():
        for line in tell(parts[name]) if name in parts else ():
            indent = " " * (len(line) - len(line.lstrip()))
            yield from wrap(line.lstrip(), _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ")
    yield from wrap(_targets_line(document["targets"]), _WIDTH, subsequent_indent="    ")


def _targets_line(targets: Iterable[Mapping[str, Any]]) -> str:
    measured = [target for target in targets if target["met"] is not None]
    missed = [target["target"] for target in measured if not target["met"]]
    met = f"{len(measured) - len(missed)} of {len(measured)} targets met" if measured else ""
    return met + (f"; missed: {'; '.join(missed)}" if missed else "")


def spread(found: Mapping[str, float | None], /, digits: int = 3) -> str:
    """Return a figure with its interval: ``0.444 [0.430, 0.458]``.

    Examples
    --------
    >>> spread({"mean": 0.5, "low": 0.25, "high": 0.75}, 2)
    '0.50 [0.25, 0.75]'
    """
    mean, low, high = (found.get(name) for name in ("mean", "low", "high"))
    if mean is None:
        return ""
    if isinstance(mean, int):
        return f"{mean:,}"
    return f"{mean:.{digits}f}" + ("" if low is None else f" [{low:.{digits}f}, {high:.{digits}f}]")


def worlds(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table over seeds: name, mean and interval, then each seed."""
    yield ("PR-AUC on test", "mean [95 %]", *(f"seed {row['seed']}" for row in found["seeds"]))
    for name in found["seeds"][0]["average_precision"]:
        each = (f"{row['average_precision'][name]:.3f}" for row in found["seeds"])
        yield (_NAMES.get(name, name), spread(found["over_seeds"][name]), *each)
    for name, title, digits in (
        ("share_of_ceiling", "best booster / ceiling", 3),
        ("share_inferred_abandonment", "best booster / ceiling, abandonment inferred", 3),
        ("booster - logistic", "best booster - logistic", 4),
        ("logistic - rule", "logistic - best rule", 4),
        ("ece", "ECE of the best booster", 4),
        ("log_loss", "log-loss of the best booster", 4),
    ):
        yield (title, spread(found["over_seeds"][name], digits), *("" for _ in found["seeds"]))


def cdnow(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of CDNOW."""
    yield ("", "PR-AUC [95 %]", "log-loss [95 %]", "ECE", "slope", "intercept", "expected / observed")
    for row in found["models"]:
        chosen = row["name"] == found["chosen"]
        yield (
            f"**{row['name']}**" if chosen else row["name"],
            spread(row["average_precision"]),
            spread(row["log_loss"], 4),
            f"{row['ece']:.4f}",
            f"{row['slope']:.2f}",
            f"{row['intercept']:+.2f}",
            f"{row['predicted_over_observed']:.2f}",
        )


def cdnow_differences(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of paired differences: what ours is better by."""
    yield ("ours", "rival", "PR-AUC higher by", "log-loss lower by")
    by_pair: dict[tuple[str, str], dict[str, str]] = {}
    for row in found["differences"]:
        by_pair.setdefault((row["ours"], row["rival"]), {})[row["figure"]] = spread(row, 4)
    for (ours, rival), figures in by_pair.items():
        yield ours, rival, figures["average_precision"], figures["log_loss"]


def cdnow_months(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of what was expected and observed in each 30 days of test."""
    names = list(found["months"][0]["predicted"])
    yield ("30 days from", "observed", *names)
    for month in found["months"]:
        yield (month["from"], f"{month['observed']:.4f}", *(f"{month['predicted'][name]:.4f}" for name in names))


def calibrations(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of other ways to calibrate the chosen model."""
    yield ("calibration", "ECE", "log-loss", "expected / observed")
    for row in found["calibrations"]:
        ratio = f"{row['predicted_over_observed']:.2f}"
        yield f"{row['calibration']} ({row['method']})", f"{row['ece']:.4f}", f"{row['log_loss']:.4f}", ratio


def head(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of a head of a log."""
    yield ("", "PR-AUC [95 %]", f"{found['booster']} higher by")
    for name, figure in found["average_precision"].items():
        over = found["differences"].get(name, {})
        yield name, spread(figure), spread(over)


def curve(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the learning curve."""
    yield ("users", "rows to learn from", "purchases in test", "PR-AUC", "ceiling", "share", "ECE")
    for row in found["sizes"]:
        counts = (f"{row[name]:,}" for name in ("users", "train_rows", "test_positives"))
        shares = (f"{row[name]:.3f}" for name in ("average_precision", "ceiling", "share_of_ceiling"))
        yield (*counts, *shares, f"{row['ece']:.4f}")


def latent(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of the booster with latent state among its features."""
    yield (f"{found['model']}, seed {found['seed']}", "PR-AUC", "log-loss", "ECE")
    reached = {"as it is": found["without"], **found["partly"], "the whole hidden state": found["with"]}
    for title, row in (reached | {"ceiling": found["ceiling"]}).items():
        yield title, f"{row['average_precision']:.3f}", f"{row['log_loss']:.4f}", f"{row['ece']:.4f}"


def remarks(name: str, found: Mapping[str, Any], /) -> Iterator[str]:
    """Yield, with a blank line before, what is to be said beside the tables of a part."""
    if name == "seeds":
        chosen = ", ".join(f"{row['seed']}: {row['best']}" for row in found["seeds"])
        yield from ("", f"{found['users']:,} users; the best booster is the one that validation chose ({chosen}).")
    if name == "cdnow":
        train, val, test = (f"{found['prevalence'][split]:.2%}" for split in ("train", "val", "test"))
        yield ""
        yield (
            f"{found['rows']:,} rows of test, {found['positives']:,} of which buy; base rate {train} in train, {val} "
            f"in validation, {test} in test. Chosen on validation: {found['chosen']}; best booster there: "
            f"{found['booster']}. The rivals stand on the same rows; BG/NBD is fitted anew on all that was bought "
            "before each date of test, the others on the rows of train. Intervals are by bootstrap over customers."
        )
    if name == "spend":
        yield ""
        yield (
            f"{found['rows']:,} rows of test, ${found['money']:,.0f} in all. Chosen on validation, for its "
            f"probabilities: {found['chosen']}. BG/NBD and Gamma-Gamma are fitted anew on all that was bought before "
            f"each date of test. To expect nothing of anybody would have a mean absolute error of "
            f"${found['error_of_nothing']:.2f}: that figure rewards expecting too little, the root of the mean squared "
            "error does not. Intervals are by bootstrap over customers. The last table holds kinds of boosters of "
            "amounts on the same rows, each times the same probability; the shops are synthetic."
        )
    if name in {"rees46", "otto"}:
        yield ""
        yield (
            f"{found['positives']} positives of {found['buyers']} of {found['users']} users among {found['rows']:,} "
            f"rows of test, {found['train_positives']} in train. The program says: {found['verdict'] or 'nothing'}"
        )
    if found.get("default_question"):
        yield from ("", f"To its default question it says: {found['default_question']}. What it suggests was asked.")


def training(found: Mapping[str, Any], /) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the training times."""
    yield ("", "rows", "columns", "rounds", "seconds", "bare seconds", "times bare", "times bare, cpu")
    for kind in ("lightgbm", "xgboost"):
        row = found[kind]
        counts = (f"{row[name]:,}" for name in ("rows", "columns", "rounds"))
        yield (
            kind,
            *counts,
            *(f"{row[name]:.2f}" for name in ("seconds", "bare_seconds", "times_bare", "cpu_times_bare")),
        )


def _worlds_line(found: Mapping[str, Any]) -> Iterator[str]:
    over = found["over_seeds"]
    yield (
        f"default world, {len(found['seeds'])} seeds, PR-AUC on test [95 %]: ceiling {spread(over['ceiling'])}, "
        f"best booster {spread(over['best booster'])}, logistic {spread(over['logistic'])}, "
        f"best rule {spread(over['best rule'])}"
    )
    yield (
        f"  best booster / ceiling {spread(over['share_of_ceiling'], 2)}; ECE {spread(over['ece'], 4)}, "
        f"worst {over['ece']['most']:.4f}"
    )
    inferred, share = over["ceiling_inferred_abandonment"], over["share_inferred_abandonment"]
    yield (
        f"  with abandonment inferred from silence, as every model of the log must, the ceiling is {spread(inferred)}, "
        f"best booster / that {spread(share, 2)}"
    )


def _latent_line(found: Mapping[str, Any]) -> Iterator[str]:
    told, untold = found["with"]["average_precision"], found["without"]["average_precision"]
    yield (
        f"  the same booster with the hidden state among its features: {told:.3f} (ceiling "
        f"{found['ceiling']['average_precision']:.3f}, without {untold:.3f}, {found['model']}, seed {found['seed']})"
    )
    parts = ", ".join(f"{title} {row['average_precision']:.3f}" for title, row in found["partly"].items())
    yield f"  with parts of it: {parts}"


def _curve_line(found: Mapping[str, Any]) -> Iterator[str]:
    sizes = ", ".join(f"{row['users']:,}: {row['share_of_ceiling']:.0%}".replace("%", " %") for row in found["sizes"])
    yield f"  share of the ceiling by number of users ({found['model']}): {sizes}"


def _cdnow_lines(found: Mapping[str, Any]) -> Iterator[str]:
    figures = ", ".join(
        f"{row['name']} {row['average_precision']['mean']:.3f} / {row['log_loss']['mean']:.4f}"
        for row in found["models"]
    )
    yield f"CDNOW, who buys within 30 days, PR-AUC / log-loss: {figures}; chosen on validation: {found['chosen']}"


def _spend_lines(found: Mapping[str, Any]) -> Iterator[str]:
    figures = ", ".join(
        f"{row['name']} {row['mean_absolute_error']['mean']:.2f} / {row['captured_at_10pct']['mean']:.3f}"
        for row in found["models"]
    )
    yield f"CDNOW, spend within 30 days, mean absolute error in $ / money in the best 10 %: {figures}"


def _rees46_line(found: Mapping[str, Any]) -> Iterator[str]:
    figures = ", ".join(f"{name} {spread(figure)}" for name, figure in found["average_precision"].items())
    yield f"REES46 head, PR-AUC with {found['positives']} positives: {figures}"


def _otto_line(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"OTTO head: {found['verdict'] or 'no verdict'} ({found['buyers']} of {found['users']} users buy there)"


def _training_line(found: Mapping[str, Any]) -> Iterator[str]:
    times = ", ".join(f"{kind} {found[kind]['times_bare']:.2f}" for kind in ("lightgbm", "xgboost"))
    yield f"training time, times the bare booster: {times}"
