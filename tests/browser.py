"""A headless Chromium for tests, driven through chromedriver's own HTTP interface with the standard library alone."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
ABSENT = None if CHROMIUM and DRIVER else "needs chromium and chromedriver (Debian: chromium, chromium-driver)"
"""Why there is no browser, or None if there is one."""

_PATIENCE = 120  # seconds for one answer, on a machine that is busy with other things
_STARTED = re.compile(r"started successfully on port (\d+)")
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_ARGUMENTS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--window-size=1000,1400",
)


@dataclass(frozen=True)
class Page:
    """One tab of a running browser."""

    port: int
    session: str

    def open(self, path: Path) -> None:
        """Open a file from disk and wait until it is loaded."""
        self.ask("POST", "url", {"url": path.as_uri()})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a function in the page and return what it returns."""
        return self.ask("POST", "execute/sync", {"script": script, "args": list(arguments)})

    def text(self, name: str) -> str:
        """Return the text that the element of an id shows."""
        return self.run("return document.getElementById(arguments[0]).innerText", name)

    def visible(self, name: str) -> bool:
        """Tell whether the element of an id is shown."""
        return bool(self.run("return document.getElementById(arguments[0]).checkVisibility()", name))

    def value(self, name: str) -> float | None:
        """Return the exact figure behind the text of an element."""
        raw = self.run("return document.getElementById(arguments[0]).dataset.value", name)
        return float(raw) if raw else None

    def press(self, name: str, keys: str) -> None:
        """Give keys to the element of an id."""
        found = self.ask("POST", "element", {"using": "css selector", "value": f"#{name}"})
        self.ask("POST", f"element/{found[_ELEMENT]}/value", {"text": keys})

    def click(self, selector: str) -> None:
        """Click on the first element that a selector finds."""
        found = self.ask("POST", "element", {"using": "css selector", "value": selector})
        self.ask("POST", f"element/{found[_ELEMENT]}/click", {})

    def console(self) -> list[str]:
        """Return what the console was told since the last time, errors of loading included."""
        return [entry["message"] for entry in self.ask("POST", "se/log", {"type": "browser"})]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the last time."""
        entries = self.ask("POST", "se/log", {"type": "performance"})
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def tell(self, command: str, **parameters: Any) -> Any:
        """Send a command of the DevTools protocol."""
        return self.ask("POST", "goog/cdp/execute", {"cmd": command, "params": parameters})

    def prefer(self, scheme: str) -> None:
        """Let the page believe that its reader prefers light or dark."""
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self) -> bytes:
        """Return the whole page as PNG."""
        found = self.tell("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(found["data"])

    def pdf(self) -> bytes:
        """Return the page as it would be printed."""
        return base64.b64decode(self.ask("POST", "print", {"background": True}))

    def ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        """Send a WebDriver command to this session and return its value."""
        return _ask(self.port, method, f"/session/{self.session}/{path}", content)


@contextmanager
def browser() -> Iterator[Page]:
    """Start a browser with a profile of its own, and end it."""
    assert CHROMIUM
    assert DRIVER
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        log = Path(profile) / "driver.log"
        # Without a bus there is nothing to complain about that does not exist on a server.
        environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": "disabled:"}
        with (
            log.open("wb") as output,
            subprocess.Popen(
                [DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=output, text=True, env=environment
            ) as driver,
        ):
            try:
                port = _port(driver)
                session = _ask(port, "POST", "/session", {"capabilities": {"alwaysMatch": _capabilities(profile)}})
                page = Page(port, session["sessionId"])
                try:
                    yield page
                finally:
                    _ask(port, "DELETE", f"/session/{page.session}")
            finally:
                driver.terminate()


def _capabilities(profile: str) -> dict[str, Any]:
    # The sandbox of Chromium refuses to run as root, which is what containers are.
    arguments = [*_ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else []), f"--user-data-dir={profile}/chromium"]
    return {
        "goog:chromeOptions": {"binary": CHROMIUM, "args": arguments},
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    }


def _port(driver: subprocess.Popen[str]) -> int:
    assert driver.stdout
    for line in driver.stdout:
        if found := _STARTED.search(line):
            return int(found[1])
    raise AssertionError("chromedriver ended before it listened")


def _ask(port: int, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
    connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        body = None if content is None else json.dumps(content)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        value = json.loads(connection.getresponse().read())["value"]
    finally:
        connection.close()
    if isinstance(value, dict) and "error" in value:
        raise AssertionError(f"{method} {path}: {value['error']}: {value['message']}")
    return value
