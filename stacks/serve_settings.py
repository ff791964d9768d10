"""`[serve]` of a model.toml: where and how a model answers. What cannot be combined is in combinations.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import Field, field_validator

from slipway.errors import did_you_mean
from stacks.section import Section

INSTANCE_TYPE = r"^ml\.[a-z][a-z0-9-]*\.(\d+)?(nano|micro|small|medium|large|xlarge|metal)$"
VERSION = r"^(latest|previous|[0-9a-f]{12})$"
Role = Literal["champion", "challenger", "shadow"]
ROLES: tuple[str, ...] = get_args(Role)
CHAMPION, CHALLENGER, SHADOW = ROLES
# A bucket and at least one character of a key. No * or ?: IAM would read them as wildcards; no comma: the
# container gets the prefixes as one text.
_S3_PREFIX = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^/*?,\s$][^*?,\s$]*")
# [registry[:port]/]name, and then a tag or a digest.
_PINNED_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9._/-]*(?::\d+/[a-z0-9._/-]+)?(:\w[\w.-]*)?(@sha256:[0-9a-f]{64})?"
)


class VariantSection(Section):
    """`[[serve.variants]]`: one of the models behind an endpoint, each with machines of its own."""

    name: Role
    """A role: it gets a share of the requests, or as the shadow copies that nobody waits for."""
    version: str | None = Field(default=None, pattern=VERSION)
    """The artifact, as in `[serve]`; default: what `[serve]` says."""
    weight: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Its share is its weight of the sum, 0 is none; default: 1, and for a shadow a copy of every request."""
    instance_type: str | None = Field(default=None, pattern=INSTANCE_TYPE)
    """The machine of each instance; default: what `[serve]` says."""
    instance_count: int | None = Field(default=None, ge=1, le=100)
    """How many instances; default: what `[serve]` says."""

    @field_validator("name", mode="before")
    @classmethod
    def _is_a_role(cls, name: Any) -> Any:
        if name not in ROLES:
            hint = f"{did_you_mean(str(name), ROLES)} ".lstrip()
            raise ValueError(
                f"Allowed: {', '.join(ROLES)}. {hint}A name is a role and no version: AWS updates "
                "an endpoint only where the names stay, and alarms and weights hang on them"
            )
        return name


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A variant with every default filled in."""

    name: str
    version: str
    weight: float
    instance_type: str | None
    """None where the endpoint is serverless."""
    instance_count: int | None
    """None is the stage's, and nothing where the endpoint is serverless."""

    @property
    def is_shadow(self) -> bool:
        """Whether it gets copies, and answers nobody."""
        return self.name == SHADOW


class ServeSection(Section):
    """`[serve]`: where the model answers."""

    target: Literal["sagemaker", "sagemaker-serverless"] = "sagemaker"
    """What answers: a SageMaker endpoint on machines of its own, or one that AWS runs on demand."""
    image: Literal["sklearn", "xgboost", "own"] = "sklearn"
    """The container: AWS's prebuilt scikit-learn image, in script mode; its built-in XGBoost image; or our
    server in your own image."""
    instance_type: str = Field(default="ml.m5.large", pattern=INSTANCE_TYPE)
    """The machine of each instance; not serverless."""
    instance_count: int | None = Field(default=None, ge=1, le=100)
    """How many instances; default: the stage's; not serverless."""
    version: str = Field(default="latest", pattern=VERSION)
    """The artifact: `latest`, `previous` (what was latest before), or the 12 hex digits of a version."""
    base_image: str = "public.ecr.aws/docker/library/python:3.13-slim"
    """What the image starts from, with a tag or a digest: a Python on Debian; `image = "own"` only."""
    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 2048
    """Memory of one instance, in MB; processors come with it; serverless only."""
    max_concurrency: int = Field(default=5, ge=1, le=200)
    """Requests at a time; AWS refuses more with 429; serverless only."""
    provisioned_concurrency: int | None = Field(default=None, ge=1, le=200)
    """Of these, how many are kept warm, and billed, all the time; serverless only."""
    s3_prefixes: tuple[str, ...] = Field(default=(), strict=False)
    """`s3://bucket/prefix` under which a body may name an object instead of rows; `image = "own"` only."""
    variants: tuple[VariantSection, ...] = Field(default=(), strict=False)
    """The models behind the endpoint, where there is more than one; see `[[serve.variants]]`."""

    @field_validator("base_image")
    @classmethod
    def _is_pinned(cls, image: str) -> str:
        match = _PINNED_IMAGE.fullmatch(image)
        if match is None:
            raise ValueError("Write it as registry/name:tag or registry/name@sha256:digest")
        if match[2] is None and match[1] in (None, ":latest"):
            raise ValueError("It names neither a tag nor a digest, so two builds could be of two images")
        return image

    @field_validator("s3_prefixes")
    @classmethod
    def _are_prefixes(cls, prefixes: tuple[str, ...]) -> tuple[str, ...]:
        for prefix in prefixes:
            if not _S3_PREFIX.fullmatch(prefix):
                raise ValueError(f"{prefix!r} is not s3://bucket/prefix (a part of a bucket, no wildcard)")
        return prefixes

    @property
    def serverless(self) -> bool:
        """Whether AWS runs it on demand."""
        return self.target == "sagemaker-serverless"

    def resolved_variants(self) -> tuple[Variant, ...]:
        """Return the variants with every default filled in: the champion first, the shadow last."""
        written = sorted(
            self.variants or (VariantSection(name="champion"),), key=lambda v: ROLES.index(v.name)
        )
        champion = written[0].weight
        return tuple(
            Variant(
                name=variant.name,
                version=variant.version or self.version,
                weight=variant.weight
                if variant.weight is not None
                else champion
                if variant.name == SHADOW and champion is not None
                else 1.0,
                instance_type=None if self.serverless else variant.instance_type or self.instance_type,
                instance_count=variant.instance_count or self.instance_count,
            )
            for variant in written
        )
