"""`[serve]` of a model.toml: where and how a model answers. What a value may be is in serve_values.py,
and what cannot be combined in combinations.py, lambda_combinations.py and beanstalk_combinations.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import Field, field_validator

from slipway.errors import did_you_mean
from stacks.platforms import DOCKER_VERSION
from stacks.section import Section
from stacks.serve_values import (
    CertificateArn,
    DomainName,
    Ec2InstanceTypes,
    Origins,
    PinnedImage,
    S3Prefixes,
    SecurityGroupIds,
    SubnetIds,
)

if TYPE_CHECKING:
    from stacks.settings import StageSettings

INSTANCE_TYPE = r"^ml\.[a-z][a-z0-9-]*\.(\d+)?(nano|micro|small|medium|large|xlarge|metal)$"
VERSION = r"^(latest|previous|[0-9a-f]{12})$"
VERSIONS = ["latest", "previous", "0123456789ab"]
Role = Literal["champion", "challenger", "shadow"]
Auth = Literal["iam", "api_key", "none"]
ROLES: tuple[str, ...] = get_args(Role)
CHAMPION, CHALLENGER, SHADOW = ROLES
_LAMBDA_MEMORY_MB = 1769  # one whole processor: "Configure Lambda function memory" in the developer guide
_SERVERLESS_MEMORY_MB = 2048


class VariantSection(Section):
    """`[[serve.variants]]`: one of the models behind an endpoint, each with machines of its own."""

    name: Role
    """A role: it gets a share of the requests, or as the shadow copies that nobody waits for."""
    version: str | None = Field(default=None, pattern=VERSION, examples=VERSIONS)
    """The artifact, as in `[serve]`; default: what `[serve]` says."""
    weight: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Its share is its weight of the sum, 0 is none; default: 1, and for a shadow a copy of every request."""
    instance_type: str | None = Field(default=None, pattern=INSTANCE_TYPE, examples=["ml.m5.large"])
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

    target: Literal["sagemaker", "sagemaker-serverless", "lambda", "beanstalk"] = "sagemaker"
    """What answers: a SageMaker endpoint on machines of its own, one that AWS runs on demand, a Lambda
    function behind API Gateway, or a web service on Elastic Beanstalk."""
    image: Literal["sklearn", "xgboost", "own"] = "sklearn"
    """The container on SageMaker: AWS's prebuilt scikit-learn image, in script mode; its built-in XGBoost
    image; or our server in your own image."""
    instance_type: str = Field(default="ml.m5.large", pattern=INSTANCE_TYPE, examples=["ml.m5.large"])
    """The machine of each instance; not serverless, and without effect on Lambda and Beanstalk."""
    instance_count: int | None = Field(default=None, ge=1, le=100)
    """How many instances, on Beanstalk at least so many; default: the stage's; not serverless, and without
    effect on Lambda."""
    version: str = Field(default="latest", pattern=VERSION, examples=VERSIONS)
    """The artifact: `latest`, `previous` (what was latest before), or the 12 hex digits of a version."""
    base_image: PinnedImage = "public.ecr.aws/docker/library/python:3.13-slim"
    """What the image starts from, with a tag or a digest: a Python on Debian; `image = "own"`,
    `package = "image"` and Beanstalk only."""
    memory_mb: int | None = Field(default=None, ge=128, le=10240)
    """Memory of one instance, in MB; processors come with it. Lambda: default 1769, which is one processor;
    serverless: 1024 times 1 to 6, default 2048."""
    max_concurrency: int = Field(default=5, ge=1, le=200)
    """Requests at a time; AWS refuses more with 429; serverless only."""
    provisioned_concurrency: int | None = Field(default=None, ge=1, le=1000)
    """How many requests at a time find a warm instance, billed all the time; serverless and Lambda only."""
    s3_prefixes: S3Prefixes = ()
    """`s3://bucket/prefix` under which a body may name an object instead of rows; `image = "own"` and
    Beanstalk only."""
    package: Literal["zip", "image", "source"] | None = None
    """What is deployed. A function on Lambda runs a zip file with a layer (the default) or our container
    ("image"). An environment on Beanstalk runs our container: an image from the registry (the default), or
    one that each machine builds by itself ("source")."""
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
    subnet_ids: SubnetIds = ()
    """The subnets of a VPC that the function, or the machines on Beanstalk, run in, such as
    `subnet-0123456789abcdef0`; Lambda and Beanstalk only."""
    security_group_ids: SecurityGroupIds = ()
    """The function's security groups there, such as `sg-0123456789abcdef0`; Lambda only."""
    ec2_instance_types: Ec2InstanceTypes = ("t3.small",)
    """The machine of an environment, of x86_64. AWS takes the first of a list; Beanstalk only."""
    max_instance_count: int | None = Field(default=None, ge=1, le=100)
    """How many machines there may be under load; default: twice `instance_count`; Beanstalk only."""
    vpc_id: str | None = Field(
        default=None, pattern=r"^vpc-[0-9a-f]{8,17}$", examples=["vpc-0123456789abcdef0"]
    )
    """The VPC of `subnet_ids` and `load_balancer_subnet_ids`; default: the account's default VPC, where the
    machines have public addresses; Beanstalk only."""
    load_balancer_subnet_ids: SubnetIds = ()
    """The subnets of the load balancer, in two zones at least: public ones unless `internal`; Beanstalk
    only."""
    internal: bool = False
    """Let only those into the load balancer who are in its VPC; Beanstalk only."""
    certificate_arn: CertificateArn = None
    """A certificate in AWS Certificate Manager, in the stage's region: the load balancer then speaks TLS on
    port 443, and nothing on port 80; Beanstalk only."""
    domain_name: DomainName = None
    """The name in that certificate, for which you make a DNS record; Beanstalk only."""
    deployment: Literal["rolling", "immutable"] | None = None
    """How a new version arrives: on one additional machine after another, or on as many new ones at once.
    Default: "immutable" on the stage prod, and where there cannot be one machine more; else "rolling";
    Beanstalk only."""
    platform_version: str = Field(
        default=DOCKER_VERSION, pattern=r"^\d+\.\d+\.\d+$", examples=[DOCKER_VERSION]
    )
    """The version of AWS's Docker platform on Amazon Linux 2023; Beanstalk only."""
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
    cors_origins: Origins = ()
    """Web sites whose pages may call the API, such as `https://www.example.com`."""
    variants: tuple[VariantSection, ...] = Field(default=(), strict=False)
    """The models behind the endpoint, where there is more than one; see `[[serve.variants]]`."""

    @property
    def serverless(self) -> bool:
        """Whether it is an endpoint that AWS runs on demand."""
        return self.target == "sagemaker-serverless"

    @property
    def on_lambda(self) -> bool:
        """Whether a function answers, and no endpoint."""
        return self.target == "lambda"

    @property
    def on_beanstalk(self) -> bool:
        """Whether an environment of Elastic Beanstalk answers."""
        return self.target == "beanstalk"

    @property
    def on_sagemaker(self) -> bool:
        """Whether an endpoint of SageMaker answers, of either kind."""
        return not (self.on_lambda or self.on_beanstalk)

    @property
    def has_api(self) -> bool:
        """Whether API Gateway is where requests come in."""
        return self.on_lambda or self.front_door

    @property
    def resolved_memory_mb(self) -> int:
        """Memory of one instance, in MB, with the default filled in."""
        return self.memory_mb or (_LAMBDA_MEMORY_MB if self.on_lambda else _SERVERLESS_MEMORY_MB)

    @property
    def resolved_package(self) -> Literal["zip", "image", "source"]:
        """What is deployed, with the default of the target filled in."""
        return self.package or ("image" if self.on_beanstalk else "zip")

    def resolved_deployment(self, stage: StageSettings) -> Literal["rolling", "immutable"]:
        """Return how a new version arrives. Rolling takes room for one machine more."""
        least = self.instance_count or stage.instance_count
        if not stage.load_balanced or self.max_instance_count == least:
            return "immutable"
        return self.deployment or ("immutable" if stage.name == "prod" else "rolling")

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
                if self.serverless or not self.on_sagemaker
                else variant.instance_type or self.instance_type,
                instance_count=variant.instance_count or self.instance_count,
            )
            for variant in written
        )
