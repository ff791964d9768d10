"""The story on stderr: which step, how long, the last real event. stdout is for results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status


class Story:
    """Tells the steps of a command: a live line on a terminal, plain lines elsewhere. Honours NO_COLOR."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self._status: Status | None = None
        self._started = time.monotonic()

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Tell that a step begins, and when it ends how long it took."""
        started = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(escape(text)) as status:
                self._status = status
                try:
                    yield
                finally:
                    self._status = None
        else:
            self.console.print(f"  {escape(text)}", soft_wrap=True)
            yield
        self.console.print(
            f"[green]ok[/] {escape(text)} ({time.monotonic() - started:.1f} s)", soft_wrap=True
        )

    def event(self, text: str) -> None:
        """Tell the last real event of the step that is going on."""
        text = text.strip()
        if text and self._status is not None:
            elapsed = time.monotonic() - self._started
            self._status.update(escape(f"{text[: self.console.width - 16]}  {elapsed:.0f} s"))
        elif text:
            self.console.print(f"     {escape(text)}", style="dim", soft_wrap=True)

    def say(self, text: str) -> None:
        """Tell a whole line that stays."""
        self.console.print(escape(text), soft_wrap=True)

    def next(self, command: str) -> None:
        """Name the next useful command; a success ends with it."""
        self.console.print(f"[bold]next[/]  {escape(command)}", soft_wrap=True)
