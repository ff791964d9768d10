"""Models to try on a page, and the page below a path of its own, as API Gateway has it."""

from __future__ import annotations

import hashlib
import http.client
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from model_code.serving.doors.page import HEADERS, page
from tests.server.models import ModelFolder, write_manifest
from tests.server.process import Server
from training.signature import as_request_rows

KEY = "0123456789abcdefghij"
# Quotes and angles of HTML, scripts and shells, and letters of other languages.
NASTY = (
    "</script><script>document.title='run'</script>",
    "<img src=x onerror=document.title='run'>",
    'it\'s $(touch run) `touch run` "quoted" \\ %s',
    "größe [cm] 測定 \u2028 🦊 <!--",
)


def linear_model(folder: Path, features: list[dict[str, Any]], classes: list[str]) -> ModelFolder:
    """Write a classifier of numbers, or of places of categories, that is no better than it has to be."""
    random = np.random.default_rng(0)
    rows = random.integers(0, 2, size=(60, len(features))).astype(float)
    labels = np.array(classes)[np.arange(60) % len(classes)]
    estimator = LogisticRegression().fit(rows, labels)
    content = to_onnx(estimator, rows[:1].astype(np.float32), options={"zipmap": False}).SerializeToString()
    (folder / "code").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    golden = as_request_rows(rows[:20], {"features": features})
    manifest = {
        "model": NASTY[0] if "<" in classes[0] else "linear",
        "engine": {"name": "onnx", "file": "model.onnx", "probabilities": True},
        "hooks": False,
        "signature": {
            "features": features,
            "id_column": False,
            "prediction": {"name": classes[0], "type": "string", "classes": sorted(classes)},
        },
        "golden": {"rows": golden, "predictions": estimator.predict(rows[:20]).tolist()},
        "files": {"model.onnx": hashlib.sha256(content).hexdigest()},
    }
    return ModelFolder(folder, write_manifest(folder, manifest))


def wide(folder: Path) -> ModelFolder:
    """1,000 features."""
    features = [{"name": f"pixel_{place}", "minimum": 0.0, "maximum": 1.0} for place in range(1000)]
    return linear_model(folder, features, [f"digit {number}" for number in range(20)])


def hostile(folder: Path) -> ModelFolder:
    """Every text of its manifest tries to be markup, script or shell."""
    features: list[dict[str, Any]] = [
        {"name": text, "unit": text, "minimum": 0.0, "maximum": 1.0} for text in NASTY
    ]
    features.append({"name": "kind", "type": "category", "categories": sorted(NASTY[2:])})
    return linear_model(folder, features, list(NASTY))


@contextmanager
def mounted(server: Server, manifest: dict[str, Any], path: str, auth: str) -> Iterator[str]:
    """Put a server's routes below a path, behind what `auth` says; give its address.

    It stands between the browser and the server as API Gateway does: the real page, the real answers.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.rstrip("/") != path:
                self._answer(404, {}, b"{}")
                return
            self._answer(200, HEADERS, page(manifest, version="0123456789ab", auth=auth))  # type: ignore[arg-type]

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if not self._allowed():
                self._answer(403, {}, b'{"error": {"code": "forbidden", "message": "Not allowed."}}')
                return
            if not self.path.startswith(f"{path}/"):
                self._answer(404, {}, b"{}")
                return
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            headers = {"content-type": "application/json"}
            connection.request("POST", self.path.removeprefix(path), body, headers)
            reply = connection.getresponse()
            self._answer(reply.status, headers, reply.read())
            connection.close()

        def _allowed(self) -> bool:
            # Whether a signature is right, the embedded AWS looks at; here it has to be there.
            told = self.headers.get("authorization", "")
            scope = re.match(r"AWS4-HMAC-SHA256 Credential=AKIATEST/\d+/eu-west-1/execute-api/", told)
            return {"none": True, "iam": bool(scope), "api_key": self.headers.get("x-api-key") == KEY}[auth]

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as front:
        threading.Thread(target=front.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{front.server_port}{path}"
        finally:
            front.shutdown()
