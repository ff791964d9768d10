"""A place in S3: a bucket, and a key or the beginning of keys."""

import re
from dataclasses import dataclass

from localaws.sagemaker.errors import validation_error

_URI = re.compile(r"s3://([^/]+)/?(.*)", re.DOTALL)


@dataclass(frozen=True)
class S3Uri:
    """`key` is empty for a whole bucket."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> "S3Uri":
        """Read `s3://bucket/key`. Raises the ValidationException."""
        match = _URI.fullmatch(text)
        if not match:
            raise validation_error(f"Invalid S3 URI: {text}")
        return cls(match[1], match[2])

    def below(self, name: str) -> "S3Uri":
        """Return the place `name` in this folder."""
        folder = self.key.rstrip("/")
        return S3Uri(self.bucket, f"{folder}/{name}" if folder else name)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"
