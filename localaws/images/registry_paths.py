"""The addresses of the registry protocol, and the right that ECR asks for behind each."""

import re
from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """What a request is about."""

    ROOT = auto()
    BLOB = auto()
    UPLOAD = auto()
    MANIFEST = auto()
    TAGS = auto()


@dataclass(frozen=True)
class Target:
    """One request: the repository, and the digest, tag or upload that its address names."""

    method: str
    kind: Kind
    repository: str = ""
    reference: str = ""

    @property
    def action(self) -> str:
        """The IAM action; "" for an address that needs a token and no right."""
        return _ACTIONS[(self.kind, self.method)]


_NAME = r"/v2/(?P<repository>[a-z0-9]+([._/-]+[a-z0-9]+)*)"
_PATHS = (
    (Kind.ROOT, re.compile(r"/v2/?")),
    (Kind.UPLOAD, re.compile(_NAME + r"/blobs/uploads/?(?P<reference>[0-9a-f]*)")),
    (Kind.BLOB, re.compile(_NAME + r"/blobs/(?P<reference>sha256:[0-9a-f]{64})")),
    (Kind.MANIFEST, re.compile(_NAME + r"/manifests/(?P<reference>[\w][\w.:-]*)")),
    (Kind.TAGS, re.compile(_NAME + r"/tags/list")),
)
_ACTIONS = {
    (Kind.ROOT, "GET"): "",
    (Kind.ROOT, "HEAD"): "",
    (Kind.BLOB, "HEAD"): "ecr:BatchCheckLayerAvailability",
    (Kind.BLOB, "GET"): "ecr:GetDownloadUrlForLayer",
    (Kind.UPLOAD, "POST"): "ecr:InitiateLayerUpload",
    (Kind.UPLOAD, "PATCH"): "ecr:UploadLayerPart",
    (Kind.UPLOAD, "PUT"): "ecr:CompleteLayerUpload",
    (Kind.MANIFEST, "PUT"): "ecr:PutImage",
    (Kind.MANIFEST, "GET"): "ecr:BatchGetImage",
    (Kind.MANIFEST, "HEAD"): "ecr:BatchGetImage",
    (Kind.TAGS, "GET"): "ecr:ListImages",
}


def claims(path: str) -> bool:
    """Whether an address is the registry's; other services have addresses under /v2/ too."""
    if not path.startswith("/v2/"):
        return path == "/v2"
    return (
        path in ("/v2/", "/v2/_catalog")
        or "/blobs/" in path
        or "/manifests/" in path
        or path.endswith("/tags/list")
    )


def parse(method: str, path: str) -> Target | None:
    """Return what a request of the registry is about, or None where ECR has no such operation."""
    for kind, pattern in _PATHS:
        if (kind, method) in _ACTIONS and (match := pattern.fullmatch(path)):
            parts = match.groupdict()
            return Target(method, kind, parts.get("repository") or "", parts.get("reference") or "")
    return None
