"""What GET gives: readiness, counters, the description, the page to try the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ..doors.answer import Answer, refusal
from ..doors.openapi import Door, openapi, routes_of
from ..doors.page import HEADERS, page
from ..doors.served import NotReady, Served
from ..errors import RequestError
from ..media import JSON
from .metrics import Metrics
from .settings import ServerSettings

Headers = tuple[tuple[bytes, bytes], ...]
NO_HEADERS: Headers = ()
_MB = 1 << 20
_PAYLOAD_MB = 6  # SageMaker's own default
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_PATHS = frozenset({"/", "/ping", "/openapi.json", "/metrics", "/execution-parameters"})


class Reading:
    """Answers what is only read.

    Args:
        settings: how the server runs.
        metrics: the counters of all workers.
        served: the model, or why there is none.
    """

    def __init__(self, settings: ServerSettings, metrics: Metrics, served: Served | NotReady) -> None:
        self._settings, self._metrics, self._served = settings, metrics, served

    def answer(self, path: str, method: str) -> tuple[Answer, Headers]:
        """Answer a request, with headers of its own; whatever is wrong with it is an answer as well."""
        if path not in _PATHS:
            return self._not_found(path), NO_HEADERS
        if method not in ("GET", "HEAD"):
            return refused_method(path, "GET", "HEAD")
        if path == "/metrics":
            manifest = self._served.manifest if isinstance(self._served, Served) else {}
            return Answer(200, self._metrics.text(self._labels(manifest)).encode(), _TEXT), NO_HEADERS
        if path == "/execution-parameters":
            return _json(self._execution_parameters()), NO_HEADERS
        if isinstance(self._served, NotReady):
            return self.unready(), NO_HEADERS
        if path == "/ping":
            return _json({"status": "ready", **self._labels(self._served.manifest)}), NO_HEADERS
        if path == "/openapi.json":
            return self._description, NO_HEADERS
        return self._page, _PAGE_HEADERS

    def unready(self) -> Answer:
        """Return the answer to a request that needs a model, where there is none."""
        assert isinstance(self._served, NotReady)  # noqa: S101 - the callers have looked
        return Answer(503, json.dumps(self._served.body()).encode(), JSON)

    @cached_property
    def _description(self) -> Answer:
        settings = self._settings
        door = Door("server", version=settings.version, max_rows=settings.max_rows)
        return _json(openapi(self._manifest, door))

    @cached_property
    def _page(self) -> Answer:
        content = page(self._manifest, version=self._settings.version)
        return Answer(200, content, HEADERS["content-type"])

    @property
    def _manifest(self) -> Mapping[str, Any]:
        assert isinstance(self._served, Served)  # noqa: S101 - the callers have looked
        return self._served.manifest

    def _not_found(self, path: str) -> Answer:
        routes = routes_of(self._served.manifest) if isinstance(self._served, Served) else ("/predict",)
        hint = f"POST {', '.join(('/invocations', *routes))}; GET / is a page to try the model."
        return refusal(RequestError("not_found", f"There is no {path[:100]!r}.", status=404, hint=hint))

    def _execution_parameters(self) -> dict[str, Any]:
        """Return what a transform job may send at once where it was told nothing: one each worker."""
        most = self._settings.max_body_bytes // _MB
        return {
            "MaxConcurrentTransforms": self._settings.workers,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": max(1, min(_PAYLOAD_MB, most)),
        }

    def _labels(self, manifest: Mapping[str, Any]) -> dict[str, str]:
        return {
            "model": str(manifest.get("model", "")),
            "version": self._settings.version,
            "variant": self._settings.variant,
            "engine": str(manifest.get("engine", {}).get("name", "")),
        }


_PAGE_HEADERS: Headers = tuple(
    (name.encode(), value.encode()) for name, value in HEADERS.items() if name != "content-type"
)


def refused_method(path: str, *allowed: str) -> tuple[Answer, Headers]:
    """Return the answer to a request of another method than a path takes."""
    wanted = ", ".join(allowed)
    error = RequestError("method_not_allowed", f"{path} takes {wanted}.", status=405, hint=f"Send {wanted}.")
    return refusal(error), ((b"allow", wanted.encode()),)


def _json(value: Any) -> Answer:
    return Answer(200, json.dumps(value).encode(), JSON)
