from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from browser import ABSENT, Page, browser
from report_pages import SETTINGS, Judged, judged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(ABSENT is not None, reason=str(ABSENT))

LEFT, RIGHT, HOME, END = "\ue012", "\ue014", "\ue011", "\ue010"
FIGURES = {
    "acted": "acted_per_day", "precision": "precision", "recall": "recall",
    "reached": "true_positives", "profit": "profit",
}  # fmt: skip
CONTRAST = """
const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const luminance = (rgb) => {
  const [r, g, b] = rgb.match(/[\\d.]+/g).map(Number).map(channel);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const paper = luminance(getComputedStyle(document.body).backgroundColor);
return [...document.querySelectorAll("svg text, p, th, td, figcaption, small, h1, h2")].map((one) => {
  const style = getComputedStyle(one);
  const ink = luminance(one.tagName === "text" ? style.fill : style.color);
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
});
"""

TEXTS = """
return [...document.querySelectorAll("svg text")].map((one) => {
  const box = one.getBoundingClientRect(), turned = one.getScreenCTM();
  const size = Math.hypot(turned.a, turned.b) * parseFloat(getComputedStyle(one).fontSize);
  return [one.textContent, box.left, box.right, size];
});
"""


@dataclass(frozen=True)
class Opened:
    """A report, and the browser in which it is open."""

    report: Judged
    page: Page
    path: Path


@pytest.fixture(scope="module")
def running() -> Iterator[Page]:
    with browser() as page:
        yield page


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Judged, Path]:
    report = judged()
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report.page, encoding="utf-8")
    return report, path


@pytest.fixture
def opened(running: Page, written: tuple[Judged, Path]) -> Opened:
    """The report as it is when it has just been opened."""
    running.prefer("light")
    running.open(written[1])
    return Opened(*written[:1], running, written[1])


def shown(page: Page) -> dict[str, float | None]:
    return {name: page.value(name) for name in FIGURES}


def figures(report: Judged, acted: int, found: int) -> dict[str, float | None]:
    """Return what acting on so many rows, of which so many bought, comes to."""
    worth, test = SETTINGS.train.threshold.profit, report.document["splits"]["test"]
    return {
        "acted": acted / report.shown.days,
        "precision": found / acted,
        "recall": found / test["positives"],
        "reached": found,
        "profit": found * worth.true_positive + (acted - found) * worth.false_positive,
    }


def test_it_opens_from_disk_without_a_word_on_the_console_and_asks_for_nothing_else(opened: Opened):
    opened.page.console()
    opened.page.requests()
    opened.page.open(opened.path)
    opened.page.press("threshold", RIGHT)
    assert opened.page.console() == []
    asked = [address for address in opened.page.requests() if not address.startswith("data:")]
    assert asked == [opened.path.as_uri()]


def test_it_begins_with_the_figures_of_the_document(opened: Opened):
    test = opened.report.document["threshold"]["test"]
    assert shown(opened.page) == {name: test[key] for name, key in FIGURES.items()}
    assert opened.page.text("which").startswith("The chosen threshold: act from a probability of ")
    assert "95" in opened.page.text("intervals")
    assert opened.page.visible("intervals")
    assert opened.page.visible("controls")


@pytest.mark.parametrize("keys", [LEFT * 5, RIGHT * 5, HOME, END])
def test_moving_the_threshold_by_keyboard_shows_what_it_finds(opened: Opened, keys: str):
    before = shown(opened.page)
    opened.page.press("threshold", keys)
    position = int(opened.page.run("return document.getElementById('threshold').value"))
    threshold, acted, found, _ = opened.report.shown.decisions.row(position)
    test = opened.report.splits["test"]
    probabilities = opened.report.model.predict(test)
    assert acted == (probabilities >= threshold).sum()
    assert found == test["label"].to_numpy()[probabilities >= threshold].sum()
    assert shown(opened.page) == pytest.approx(figures(opened.report, acted, found))
    assert shown(opened.page) != before
    assert opened.page.text("which") == "The threshold you set"
    assert not opened.page.visible("intervals")


def test_moving_the_daily_budget_shows_what_the_best_of_each_day_bring(opened: Opened):
    opened.page.click("input[value=budget]")
    opened.page.press("budget", HOME)
    test = opened.report.splits["test"]
    days = test["prediction_time"].dt.date().to_list()
    scores, labels = opened.report.model.predict(test), test["label"].to_list()
    best = {}
    for row, day in enumerate(days):
        if day not in best or scores[row] > scores[best[day]]:
            best[day] = row
    found = sum(labels[row] for row in best.values())
    assert shown(opened.page) == pytest.approx(figures(opened.report, len(best), found))
    assert opened.page.text("budget-text") == "the best 1 of each day"
    opened.page.press("budget", RIGHT * 30)
    position = int(opened.page.run("return document.getElementById('budget').value"))
    _, acted, found = opened.report.shown.budgets.row(position)
    assert position == 30
    assert shown(opened.page) == pytest.approx(figures(opened.report, acted, found))


def test_the_line_in_the_chart_stands_where_the_threshold_does(opened: Opened):
    place = "return document.querySelector(\"[id$='live-line']\").getBoundingClientRect().x"
    at_first = opened.page.run(place)
    opened.page.press("threshold", RIGHT * 20)
    assert opened.page.run(place) > at_first
    opened.page.press("threshold", LEFT * 40)
    assert opened.page.run(place) < at_first
    opened.page.click("#reset")
    assert opened.page.run(place) == pytest.approx(at_first, abs=0.01)


def test_the_button_leads_back_to_the_chosen_threshold(opened: Opened):
    before = shown(opened.page)
    opened.page.click("input[value=budget]")
    opened.page.press("budget", HOME)
    assert shown(opened.page) != before
    opened.page.click("#reset")
    assert shown(opened.page) == before
    assert opened.page.run("return document.querySelector('input[value=threshold]').checked")


def test_without_scripts_the_figures_stand_and_the_controls_are_gone(running: Page, written: tuple[Judged, Path]):
    report, path = written
    plain = path.with_name("plain.html")
    plain.write_text(re.sub(r"<script>.*?</script>", "", report.page, flags=re.DOTALL), encoding="utf-8")
    running.open(plain)
    test = report.document["threshold"]["test"]
    assert shown(running) == {name: test[key] for name, key in FIGURES.items()}
    assert running.text("precision").strip() != ""
    assert not running.visible("controls")


def test_every_control_has_a_name_and_says_its_value_in_words(opened: Opened):
    tree = opened.page.tell("Accessibility.getFullAXTree")["nodes"]
    roles = ("slider", "radio", "button")
    controls = [node for node in tree if node.get("role", {}).get("value") in roles and not node["ignored"]]
    names = [node["name"]["value"] for node in controls]
    assert len(controls) == 4  # the slider of the budget is hidden as yet
    assert all(names)
    assert opened.page.run("return document.getElementById('threshold').getAttribute('aria-valuetext')").startswith(
        "act from a probability of "
    )
    drawings = [node["name"]["value"] for node in tree if node.get("role", {}).get("value") == "image"]
    assert len(drawings) == opened.report.page.count("<svg")
    assert all(drawings)


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_every_text_reads_in_light_and_in_dark(opened: Opened, scheme: str, *, dark: bool):
    opened.page.prefer(scheme)
    red = int(opened.page.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"))
    assert (red < 60) == dark
    contrasts = opened.page.run(CONTRAST)
    assert len(contrasts) > 300
    assert min(contrasts) >= 4.5


def test_a_narrow_screen_needs_no_sideways_scrolling(opened: Opened):
    opened.page.tell("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
    try:
        assert opened.page.run("return document.documentElement.scrollWidth") <= 360
    finally:
        opened.page.tell("Emulation.clearDeviceMetricsOverride")


@pytest.mark.parametrize("width", [360, 420, 1000])
def test_every_text_of_every_chart_is_in_sight_and_of_a_size_to_read(opened: Opened, width: int):
    opened.page.tell("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=True)
    try:
        texts = opened.page.run(TEXTS)
    finally:
        opened.page.tell("Emulation.clearDeviceMetricsOverride")
    assert len(texts) > 150
    assert [text for text, left, right, _ in texts if left < 0 or right > width] == []
    assert min(size for _, _, _, size in texts) >= 7.5


def test_it_prints_dark_on_white_without_controls(opened: Opened):
    opened.page.tell(
        "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
    )
    try:
        assert opened.page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert not opened.page.visible("controls")
        assert min(opened.page.run(CONTRAST)) >= 4.5
        assert opened.page.pdf().startswith(b"%PDF")
    finally:
        opened.page.tell("Emulation.setEmulatedMedia", media="")
