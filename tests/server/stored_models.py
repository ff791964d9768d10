"""A function whose model is in S3, and the part of S3 that it uses."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from model_code.serving.aws_lambda.function import Function
from model_code.serving.aws_lambda.s3_model import S3Model
from model_code.serving.aws_lambda.settings import FunctionSettings, S3Place
from tests.server.events import event
from tests.server.models import ModelFolder, model

OWNER, BUCKET, POINTER = "123456789012", "models-bucket", "models/iris/current.json"
FIRST, SECOND = "logistic", "forest"


class Objects:
    """The part of S3 that the function uses; `asked` are the keys that were."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.failing: Exception | None = None
        self.body: Any = io.BytesIO

    def get_object(self, *, Bucket: str, Key: str, ExpectedBucketOwner: str) -> dict[str, Any]:  # noqa: N803
        self.asked.append(Key)
        assert (Bucket, ExpectedBucketOwner) == (BUCKET, OWNER)
        if self.failing is not None:
            raise self.failing
        if Key not in self.objects:
            raise LookupError(f"NoSuchKey {Key}")
        content = self.objects[Key]
        return {"ContentLength": len(content), "Body": self.body(content)}


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Running:
    """A function whose model is in S3, and what it sees."""

    def __init__(self, cache: Path, s3: Any = None) -> None:
        self.s3 = s3 or Objects()
        self.clock = Clock()
        self.cache = cache

    def start(self, max_rows: int = 100) -> Running:
        environment = {"SLIPWAY_MODEL_BUCKET": BUCKET, "SLIPWAY_MODEL_POINTER": POINTER,
                       "SLIPWAY_BUCKET_OWNER": OWNER, "SLIPWAY_MAX_ROWS": str(max_rows)}  # fmt: skip
        settings = FunctionSettings.from_environment(environment)
        assert settings.s3 == S3Place(BUCKET, POINTER, OWNER)
        source = S3Model(settings.s3, settings.max_rows, self.s3, self.cache, self.clock)
        self.function = Function(settings, source)
        return self

    def put(self, content: bytes, manifest_sha256: str, **changes: str) -> dict[str, str]:
        pointer = pointer_for(content, manifest_sha256) | changes
        self.s3.objects[pointer["archive"]] = content
        self.s3.objects[POINTER] = json.dumps(pointer).encode()
        return pointer

    def ask(self, later_s: float = 0) -> dict[str, Any]:
        self.clock.now += later_s
        return self.function(event(body="[[5.1,3.5,1.4,0.2]]"))

    def version(self, later_s: float = 0) -> str:
        answer = self.ask(later_s)
        assert (answer["statusCode"], answer["body"]) == (200, '["setosa"]')
        return answer["headers"]["x-slipway-model-version"]


def packed(folder: Path, *more: tarfile.TarInfo) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        tar.add(folder, ".")
        for member in more:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return stream.getvalue()


def pointer_for(archive: bytes, manifest_sha256: str) -> dict[str, str]:
    sha256 = hashlib.sha256(archive).hexdigest()
    return {
        "version": sha256[:12],
        "archive": f"models/iris/{sha256[:12]}/model.tar.gz",
        "archive_sha256": sha256,
        "manifest_sha256": manifest_sha256,
    }


def archive_of(folder: ModelFolder) -> tuple[bytes, str]:
    return packed(folder.path), folder.sha256


def running_first(cache: Path) -> Running:
    """One that answers with the first model; `first` is the pointer to it."""
    found = Running(cache)
    found.first = found.put(*archive_of(model(FIRST)))
    return found.start()


def reasons(capfd) -> list[dict[str, Any]]:
    """The lines that tell a reason, since the last look."""
    return [line for line in map(json.loads, capfd.readouterr().out.splitlines()) if "code" in line]


def unloadable(folder: Path) -> tuple[bytes, str]:
    copy = model(FIRST).copy(folder)
    (folder / "model.onnx").write_bytes(b"no graph")
    return archive_of(copy.signed())


def wrong(folder: Path) -> tuple[bytes, str]:
    copy = model(FIRST).copy(folder)
    golden = copy.manifest["golden"]
    return archive_of(copy.signed(golden={**golden, "predictions": ["virginica"] * len(golden["rows"])}))
