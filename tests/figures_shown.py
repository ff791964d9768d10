"""What a report shows, read back out of its HTML and held against manifests."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

_VOID = frozenset({"meta", "br", "input"})
# Text that is no figure: code, charts' axes, and what no reader sees.
_SKIPPED = frozenset({"style", "script", "head"})


class Page(HTMLParser):
    """The elements of a page.

    Attributes:
        figures: of each `<data>` its attributes, and its text.
        words: all text outside figures and axes.
        tags: each element's name and attributes, in order.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.figures: list[tuple[dict[str, str], str]] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self.feed(page)
        assert not self._open, "an element is not closed"

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        self.tags.append((tag, given))
        if tag == "data":
            self.figures.append((given, ""))
        if tag not in _VOID:
            self._open.append((tag, given))

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, text):
        names = [tag for tag, _ in self._open]
        if "data" in names:
            self.figures[-1] = (self.figures[-1][0], self.figures[-1][1] + text)
        elif names and not _SKIPPED.intersection(names) and "tick" not in self._open[-1][1].get("class", ""):
            self.words.append(text)


def at(pointer: str, manifests: dict[str, Any]) -> Any:
    """Return what a figure's pointer names; before a colon is which manifest's."""
    which, _, path = pointer.rpartition(":") if pointer.startswith("before:") else ("", "", pointer)
    value = manifests[which]
    for part in path.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def check_figure(given: dict[str, str], text: str, manifests: dict[str, Any]) -> None:
    """Fail unless a figure is what the manifest has at its place, and its text the same but for rounding."""
    if "data-count-of" in given:
        expected = len(at(given["data-count-of"], manifests))
    else:
        expected = at(given["data-from"], manifests)
        if "data-minus" in given:
            expected -= at(given["data-minus"], manifests)
    assert float(given["value"]) == expected, given
    number = text.replace(",", "").replace("\u2212", "-").replace("+", "")
    share = number.endswith(" %")
    found = float(number.removesuffix(" %")) / (100 if share else 1)
    assert abs(found - expected) <= (0.000501 if share else 0.00051 * abs(expected) + 1e-12), (given, text)


def numbers_elsewhere(page: Page, manifests: dict[str, Any], also: set[str]) -> list[str]:
    """Return the words with a digit that are neither figures nor out of a manifest."""
    known = set(also)
    for manifest in manifests.values():
        _collect(manifest, known)
    words = {word.strip(".,;:()\"'") for text in page.words for word in text.split()}
    return sorted(word for word in words if re.search(r"\d", word) and word not in known)


def _collect(value: Any, known: set[str]) -> None:
    if isinstance(value, dict):
        for name, part in value.items():
            _collect(name, known)
            _collect(part, known)
    elif isinstance(value, list):
        for part in value:
            _collect(part, known)
    else:
        known.update(word.strip(".,;:()\"'") for word in str(value).split())
