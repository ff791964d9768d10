"""ECR's registry, as docker and podman speak to it: blobs on disk, manifests in the emulator.

It stands before the emulator, whose own registry lets anybody in and keeps every layer in memory. Who pushes
or pulls is whoever got the token from GetAuthorizationToken, and IAM decides about each request as on AWS.
"""

import asyncio
import base64
import binascii
import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs

from localaws.gate import Asgi, Message, Send
from localaws.images.registry_paths import Kind, Target, claims, parse
from localaws.ports import Scope

_BLOCK = 1 << 20
_MAX_MANIFEST = 4 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
Answer = tuple[int, Mapping[str, str], bytes]
Receive = Callable[[], Awaitable[Message]]


class RegistryError(Exception):
    """An answer in the registry protocol's error shape."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Repositories(Protocol):
    """ECR around the registry: tokens, rights, and the manifests of each repository."""

    def authorize(self, token: str, repository: str, action: str) -> Scope:
        """Return where the token's owner acts, if IAM lets it. Raises RegistryError.

        The action "" asks for a valid token alone.
        """

    def put(self, scope: Scope, target: Target, media_type: str, manifest: bytes) -> Answer:
        """Keep a manifest under a tag or digest."""

    def get(self, scope: Scope, target: Target) -> Answer:
        """Return a manifest."""

    def tags(self, scope: Scope, target: Target) -> Answer:
        """Return a repository's tags."""


class Blobs:
    """The blobs of each repository, as files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, scope: Scope, repository: str, digest: str) -> Path:
        """Return where a blob is, or would be."""
        if not _DIGEST.fullmatch(digest):
            raise RegistryError(400, "DIGEST_INVALID", f"{digest!r} is no sha256 digest")
        return self.of(scope, repository) / digest.removeprefix("sha256:")

    def of(self, scope: Scope, repository: str) -> Path:
        """Return the folder of one repository."""
        return self._folder / f"{scope.account}-{scope.region}-{repository.replace('/', '%2F')}"

    def forget(self, scope: Scope, repository: str) -> None:
        """Remove a repository's blobs."""
        shutil.rmtree(self.of(scope, repository), ignore_errors=True)


class Registry:
    """An ASGI application around the emulator that answers `/v2/` and passes the rest on."""

    def __init__(self, inner: Asgi, repositories: Repositories, blobs: Blobs) -> None:
        self._inner = inner
        self._repositories = repositories
        self._blobs = blobs

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request of the registry protocol, or pass it on."""
        if scope["type"] != "http" or not claims(scope["path"]):
            await self._inner(scope, receive, send)
            return
        try:
            target = parse(scope["method"], scope["path"])
            if target is None:
                raise RegistryError(405, "UNSUPPORTED", "the operation is unsupported")
            await self._answer(scope, target, receive, send)
        except RegistryError as error:
            headers = {"Content-Type": "application/json"}
            if error.status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="ecr",service="ecr.amazonaws.com"'
            body = {"errors": [{"code": error.code, "message": str(error)}]}
            await _sent(send, error.status, headers, json.dumps(body).encode())

    async def _answer(self, request: Message, target: Target, receive: Receive, send: Send) -> None:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request["headers"]
        }
        scope = self._repositories.authorize(_token(headers), target.repository, target.action)
        match target.kind:
            case Kind.ROOT:
                await _sent(send, 200, {"Content-Type": "application/json"}, b"{}")
            case Kind.TAGS:
                await _sent(send, *self._repositories.tags(scope, target))
            case Kind.MANIFEST if target.method == "PUT":
                body = b""
                async for block in _body(receive):
                    body += block
                    if len(body) > _MAX_MANIFEST:
                        raise RegistryError(400, "MANIFEST_INVALID", "the manifest is larger than 4 MB")
                media_type = headers.get("content-type", "")
                await _sent(send, *self._repositories.put(scope, target, media_type, body))
            case Kind.MANIFEST:
                status, found, body = self._repositories.get(scope, target)
                await _sent(send, status, found, b"" if target.method == "HEAD" else body)
            case Kind.BLOB:
                await self._blob(scope, target, send)
            case Kind.UPLOAD:
                digest = parse_qs(request["query_string"].decode("latin-1")).get("digest", [""])[0]
                await self._upload(scope, target, digest, receive, send)

    async def _blob(self, scope: Scope, target: Target, send: Send) -> None:
        path = self._blobs.path(scope, target.repository, target.reference)
        if not path.is_file():
            raise RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry")
        headers = {
            "Content-Length": str(path.stat().st_size),
            "Content-Type": "application/octet-stream",
            "Docker-Content-Digest": target.reference,
        }
        await send(_start(200, headers))
        if target.method == "GET":
            with path.open("rb") as content:
                while block := content.read(_BLOCK):
                    await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _upload(self, scope: Scope, target: Target, digest: str, receive: Receive, send: Send) -> None:
        """Begin an upload, add to one, or end one: with its digest it becomes a blob."""
        folder = self._blobs.of(scope, target.repository)
        folder.mkdir(parents=True, exist_ok=True)
        staging = folder / f".{target.reference or uuid.uuid4().hex}"
        if target.reference and not staging.is_file():
            raise RegistryError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        with staging.open("ab") as handle:
            async for block in _body(receive):
                handle.write(block)
            size = handle.tell()
        location = f"/v2/{target.repository}/blobs/uploads/{staging.name[1:]}"
        headers = {
            "Location": location,
            "Range": f"0-{max(0, size - 1)}",
            "Docker-Upload-UUID": staging.name[1:],
        }
        if not digest:
            await _sent(send, 202, headers, b"")
            return
        actual = await asyncio.to_thread(_digest, staging)  # a layer takes long enough to be missed by others
        if actual != digest:
            staging.unlink()
            raise RegistryError(400, "DIGEST_INVALID", f"uploaded blob is {actual}, not {digest}")
        staging.rename(self._blobs.path(scope, target.repository, digest))
        done = {"Location": f"/v2/{target.repository}/blobs/{digest}", "Docker-Content-Digest": digest}
        await _sent(send, 201, done, b"")


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return "sha256:" + hashlib.file_digest(content, "sha256").hexdigest()


def _token(headers: Mapping[str, str]) -> str:
    """Return the password of `Authorization: Basic`, or "" where there is none."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        given = ""
    return given.partition(":")[2]


async def _body(receive: Receive) -> Any:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RegistryError(400, "BLOB_UPLOAD_INVALID", "the client went away")
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _start(status: int, headers: Mapping[str, str]) -> Message:
    shown = {"Docker-Distribution-API-Version": "registry/2.0", **headers}
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in shown.items()]
    return {"type": "http.response.start", "status": status, "headers": pairs}


async def _sent(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    await send(_start(status, {"Content-Length": str(len(body)), **headers}))
    await send({"type": "http.response.body", "body": body})
