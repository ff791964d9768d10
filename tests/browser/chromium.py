"""Headless Chromium over the pipe of its DevTools protocol: no driver, no port, no dependency.

https://chromedevtools.github.io/devtools-protocol/: with --remote-debugging-pipe it reads messages from file
descriptor 3 and writes them to 4, each JSON with a zero byte after it.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Nothing that a browser asks for by itself, and no GPU.
QUIET = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
SECONDS = 30.0
# How long after its load event a page is still listened to.
LATE = 0.1


def find() -> str | None:
    """Return the path of an installed Chromium or Chrome, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Visit:
    """What a page did while it was open.

    Args:
        session: the protocol's number for the page.
        complaints: console errors and warnings, exceptions, and what the policy refused.
        requests: what was asked for, by address.
    """

    session: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


class Chromium:
    """One browser with a profile of its own; use it as a context manager."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._number = 0
        self._received = b""
        self._visits: dict[str, Visit] = {}
        self._loaded: set[str] = set()

    def __enter__(self) -> Chromium:
        self._profile = tempfile.mkdtemp(prefix="slipway-chromium-")
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # A container's root has no sandbox to put it into; the pages are this project's own.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        # The shell moves the pipes to the numbers that Chromium expects, whatever numbers they have here.
        script = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        command = [self._program, *QUIET, *sandbox, f"--user-data-dir={self._profile}"]
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command, "--remote-debugging-pipe"],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self.call("Browser.close")
            self._process.wait(SECONDS)
        except (OSError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        finally:
            os.close(self._write)
            os.close(self._read)
            shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, address: str, *, width: int = 1100, dark: bool = False, script: bool = True) -> Visit:
        """Open a page, wait until it has loaded, and return what it did meanwhile."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        visit = self._visits[session] = Visit(session)
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.call(f"{domain}.enable", visit)
        self.call("Emulation.setScriptExecutionDisabled", visit, value=not script)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            visit,
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", visit, features=[scheme])
        self._loaded.discard(session)
        self.call("Page.navigate", visit, url=address)
        deadline = time.monotonic() + SECONDS
        while session not in self._loaded:
            self._take(deadline)
        late = time.monotonic() + LATE
        while self._heard(late):
            self._take(deadline)
        return visit

    def evaluate(self, visit: Visit, expression: str) -> Any:
        """Return the value of an expression of JavaScript in a page; promises are waited for."""
        told = self.call(
            "Runtime.evaluate", visit, expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in told:
            raise AssertionError(told["exceptionDetails"])
        return told["result"].get("value")

    def screenshot(self, visit: Visit, path: Path) -> None:
        """Write the whole page as PNG."""
        told = self.call("Page.captureScreenshot", visit, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))

    def call(self, method: str, visit: Visit | None = None, **arguments: Any) -> dict[str, Any]:
        """Send one command and return its result, taking what happens meanwhile."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": arguments}
        if visit:
            message["sessionId"] = visit.session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while True:
            told = self._take(deadline)
            if told.get("id") == self._number:
                if "error" in told:
                    raise AssertionError(f"{method}: {told['error']}")
                return dict(told["result"])

    def _heard(self, deadline: float) -> bool:
        """Wait until there is something to take; False when the time is over."""
        wait = max(0.0, deadline - time.monotonic())
        return b"\0" in self._received or bool(select.select([self._read], [], [], wait)[0])

    def _take(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._received:
            if not self._heard(deadline):
                raise TimeoutError(f"Chromium said nothing for {SECONDS} s")
            part = os.read(self._read, 1 << 20)
            if not part:
                raise OSError("Chromium has ended")
            self._received += part
        line, _, self._received = self._received.partition(b"\0")
        told: dict[str, Any] = json.loads(line)
        self._note(told)
        return told

    def _note(self, told: dict[str, Any]) -> None:
        session, method = told.get("sessionId", ""), told.get("method", "")
        visit = self._visits.get(session)
        if visit is None:
            return
        event = told.get("params", {})
        if method == "Page.loadEventFired":
            self._loaded.add(session)
        elif method == "Network.requestWillBeSent":
            visit.requests.append(event["request"]["url"])
        elif method == "Log.entryAdded":
            visit.complaints.append(event["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            visit.complaints.append(str(event["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning", "assert"):
            visit.complaints.append(str(event["args"]))
