"""A client of the registry protocol, as far as pushing and pulling one image needs it.

Standard library only. Bytes stream in both directions: an image may be larger than what a process should
hold.
"""

import base64
import http.client
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from localaws.errors import ImageError

_TIMEOUT_S = 120
_BLOCK = 1 << 20
_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[a-z0-9][a-z0-9._/-]*)"
    r"(@(?P<digest>sha256:[0-9a-f]{64})|:(?P<tag>[\w][\w.-]{0,127}))?"
)


class RefusedError(Exception):
    """The registry's answer is an error: `status`, its `code`, and the text."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}" if code else message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class ImageUri:
    """An image in ECR; `reference` is its tag or digest."""

    account: str
    region: str
    repository: str
    reference: str

    @classmethod
    def parse(cls, text: str) -> "ImageUri | None":
        """Return the parts of an ECR address, or None for any other text."""
        match = _ECR.fullmatch(text)
        if match is None:
            return None
        reference = match["digest"] or match["tag"] or "latest"
        return cls(match["account"], match["region"], match["repository"], reference)


class RegistryClient:
    """Talks to the registry of the embedded AWS at `url`, which stands for ECR's own address."""

    def __init__(self, url: str, token: str) -> None:
        """`token` is the password of ECR's GetAuthorizationToken."""
        self._address = urlsplit(url)
        self._headers = {"Authorization": "Basic " + base64.b64encode(f"AWS:{token}".encode()).decode()}

    def check(self) -> None:
        """Ask whether the token is taken. Raises RefusedError."""
        with self._asked("GET", "/v2/"):
            pass

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether the repository holds a blob."""
        try:
            with self._asked("HEAD", f"/v2/{repository}/blobs/{digest}"):
                return True
        except RefusedError as error:
            if error.status == http.client.NOT_FOUND:
                return False
            raise

    def push_blob(self, repository: str, digest: str, source: Path) -> None:
        """Send a file as a blob."""
        with self._asked("POST", f"/v2/{repository}/blobs/uploads/") as answer:
            location = urlsplit(answer.headers["Location"])
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(source.stat().st_size)}
        with (
            source.open("rb") as body,
            self._asked("PUT", f"{location.path}?digest={digest}", body=body, headers=headers),
        ):
            pass

    def push_manifest(self, repository: str, reference: str, manifest: bytes) -> str:
        """Send a manifest under a tag, and return its digest."""
        headers = {"Content-Type": json.loads(manifest)["mediaType"]}
        path = f"/v2/{repository}/manifests/{reference}"
        with self._asked("PUT", path, body=manifest, headers=headers) as answer:
            return str(answer.headers["Docker-Content-Digest"])

    def manifest(self, repository: str, reference: str) -> bytes:
        """Return a manifest's bytes."""
        with self._asked("GET", f"/v2/{repository}/manifests/{reference}") as answer:
            return answer.read()

    @contextmanager
    def blob(self, repository: str, digest: str) -> Iterator[http.client.HTTPResponse]:
        """Open a blob for reading."""
        with self._asked("GET", f"/v2/{repository}/blobs/{digest}") as answer:
            yield answer

    @contextmanager
    def _asked(
        self, method: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(
            self._address.hostname or "", self._address.port or 80, timeout=_TIMEOUT_S, blocksize=_BLOCK
        )
        try:
            connection.request(method, path, body=body, headers={**self._headers, **(headers or {})})
            answer = connection.getresponse()
            if answer.status >= http.client.BAD_REQUEST:
                raise _refusal(answer)
            yield answer
        except OSError as error:
            raise ImageError(
                f"the registry of the embedded AWS does not answer at {self._address.netloc}",
                why=str(error),
                fix="look whether it runs: slipway status",
            ) from error
        finally:
            connection.close()


def _refusal(answer: http.client.HTTPResponse) -> RefusedError:
    try:
        error = json.loads(answer.read())["errors"][0]
        return RefusedError(answer.status, str(error["code"]), str(error["message"]))
    except (ValueError, KeyError, IndexError, TypeError):
        return RefusedError(answer.status, "", f"the registry answered {answer.status}")
