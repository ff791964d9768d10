"""`[serve]` of a model.toml: where and how a model answers. What cannot be combined is in combinations.py
and lambda_combinations.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import Field, ValidationInfo, field_validator

from slipway.errors import did_you_mean
from stacks.section import Section

INSTANCE_TYPE = r"^ml\.[a-z][a-z0-9-]*\.(\d+)?(nano|micro|small|medium|large|xlarge|metal)$"
VERSION = r"^(latest|previous|[0-9a-f]{12})$"
Role = Literal["champion", "challenger", "shadow"]
Auth = Literal["iam", "api_key", "none"]
ROLES: tuple[str, ...] = get_args(Role)
CHAMPION, CHALLENGER, SHADOW = ROLES
# A bucket and at least one character of a key. No * or ?: IAM would read them as wildcards; no comma: the
# container gets the prefixes as one text.
_S3_PREFIX = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^/*?,\s$][^*?,\s$]*")
# [registry[:port]/]name, and then a tag or a digest.
_PINNED_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9._/-]*(?::\d+/[a-z0-9._/-]+)?(:\w[\w.-]*)?(@sha256:[0-9a-f]{64})?"
)
# scheme://host[:port] as a browser sends it.
_ORIGIN = re.compile(r"https://[a-z0-9.-]+(:\d+)?|http://(localhost|127\.0\.0\.1)(:\d+)?")
_LAMBDA_MEMORY_MB = 1769  # one whole processor: "Configure Lambda function memory" in the developer guide
_SERVERLESS_MEMORY_MB = 2048


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
    """None where no machine is chosen: a serverless endpoint, a function."""
    instance_count: int | None
    """None is the stage's, and nothing where the endpoint is serverless."""

    @property
    def is_shadow(self) -> bool:
        """Whether it gets copies, and answers nobody."""
        return self.name == SHADOW


class ServeSection(Section):
    """`[serve]`: where the model answers."""

    target: Literal["sagemaker", "sagemaker-serverless", "lambda"] = "sagemaker"
    """What answers: a SageMaker endpoint on machines of its own, one that AWS runs on demand, or a Lambda
    function behind API Gateway."""
    image: Literal["sklearn", "xgboost", "own"] = "sklearn"
    """The container on SageMaker: AWS's prebuilt scikit-learn image, in script mode; its built-in XGBoost
    image; or our server in your own image."""
    instance_type: str = Field(default="ml.m5.large", pattern=INSTANCE_TYPE)
    """The machine of each instance; not serverless, and without effect on Lambda."""
    instance_count: int | None = Field(default=None, ge=1, le=100)
    """How many instances; default: the stage's; not serverless, and without effect on Lambda."""
    version: str = Field(default="latest", pattern=VERSION)
    """The artifact: `latest`, `previous` (what was latest before), or the 12 hex digits of a version."""
    base_image: str = "public.ecr.aws/docker/library/python:3.13-slim"
    """What the image starts from, with a tag or a digest: a Python on Debian; `image = "own"` or
    `package = "image"` only."""
    memory_mb: int | None = Field(default=None, ge=128, le=10240)
    """Memory of one instance, in MB; processors come with it. Lambda: default 1769, which is one processor;
    serverless: 1024 times 1 to 6, default 2048."""
    max_concurrency: int = Field(default=5, ge=1, le=200)
    """Requests at a time; AWS refuses more with 429; serverless only."""
    provisioned_concurrency: int | None = Field(default=None, ge=1, le=1000)
    """How many requests at a time find a warm instance, billed all the time; serverless and Lambda only."""
    s3_prefixes: tuple[str, ...] = Field(default=(), strict=False)
    """`s3://bucket/prefix` under which a body may name an object instead of rows; `image = "own"` only."""
    package: Literal["zip", "image"] = "zip"
    """What a function runs: a zip file with a layer, or our container; Lambda only."""
    architecture: Literal["x86_64", "arm64"] = "x86_64"
    """The processor that a function runs on; Lambda only."""
    timeout_s: int = Field(default=10, ge=1, le=29)
    """The longest time of one request, in seconds; API Gateway waits for 29; Lambda only."""
    model_source: Literal["package", "s3"] = "package"
    """Where a function has its model from: its own package, or the stage's bucket, where a new version takes
    over without a deploy of code; Lambda only."""
    snap_start: bool = False
    """Start instances from a snapshot of one that has loaded its model; Lambda only."""
    reserved_concurrency: int | None = Field(default=None, ge=1)
    """Requests at a time: so many are kept for this function out of your account's, and more are refused
    with 429; default: what the account has; Lambda only."""
    subnet_ids: tuple[str, ...] = Field(default=(), strict=False)
    """The subnets of a VPC that the function runs in, such as `subnet-0123456789abcdef0`; Lambda only."""
    security_group_ids: tuple[str, ...] = Field(default=(), strict=False)
    """Its security groups there, such as `sg-0123456789abcdef0`; Lambda only."""
    front_door: bool = False
    """Put an API of API Gateway in front of the endpoint; SageMaker only, as a function always has one."""
    auth: Auth | None = None
    """Who may call the API: those whom IAM lets (requests are signed), who has an API key, or everybody.
    Default: "none" on the stage local, else "iam"."""
    throttle_rate: float = Field(default=50, gt=0, le=10000)
    """Requests that each route of the API takes in a second, in the long run; it refuses more with 429.
    With a key it is the most of all routes, too."""
    throttle_burst: int = Field(default=100, ge=1, le=5000)
    """Requests that each route of the API takes at once."""
    quota_per_day: int | None = Field(default=None, ge=1)
    """Requests that an API key may make in a day; `auth = "api_key"` only."""
    cors_origins: tuple[str, ...] = Field(default=(), strict=False)
    """Web sites whose pages may call the API, such as `https://www.example.com`."""
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

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is not one site: scheme and host, such as https://www.example.com; http is "
                    "for localhost alone, and * would be every site"
                )
        return origins

    @field_validator("subnet_ids", "security_group_ids")
    @classmethod
    def _are_ids(cls, ids: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        prefix = "subnet" if info.field_name == "subnet_ids" else "sg"
        for text in ids:
            if not re.fullmatch(prefix + r"-[0-9a-f]{8,17}", text):
                raise ValueError(f"{text!r} is not the id of one, such as {prefix}-0123456789abcdef0")
        return ids

    @property
    def serverless(self) -> bool:
        """Whether it is an endpoint that AWS runs on demand."""
        return self.target == "sagemaker-serverless"

    @property
    def on_lambda(self) -> bool:
        """Whether a function answers, and no endpoint."""
        return self.target == "lambda"

    @property
    def has_api(self) -> bool:
        """Whether API Gateway is where requests come in."""
        return self.on_lambda or self.front_door

    @property
    def resolved_memory_mb(self) -> int:
        """Memory of one instance, in MB, with the default filled in."""
        return self.memory_mb or (_LAMBDA_MEMORY_MB if self.on_lambda else _SERVERLESS_MEMORY_MB)

    def resolved_auth(self, stage: str) -> Auth:
        """Return who may call the API: open by default on this machine alone, which answers on loopback."""
        return self.auth or ("none" if stage == "local" else "iam")

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
                instance_type=None
                if self.serverless or self.on_lambda
                else variant.instance_type or self.instance_type,
                instance_count=variant.instance_count or self.instance_count,
            )
            for variant in written
        )
