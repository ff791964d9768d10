"""What cannot be in one `[serve]` together where Elastic Beanstalk is asked for: as combinations.py.

The second table also knows the stage, since one model.toml serves all stages: what only one of them lacks is
refused there, when its stack is made.

Sources, in the Elastic Beanstalk developer guide: "General options for all environments" and "Configuring
Amazon VPC"; in that of Elastic Load Balancing: "Create an Application Load Balancer".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stacks.combinations import Combination, Hit, require_possible
from stacks.lambda_combinations import written
from stacks.serve_settings import ServeSection

if TYPE_CHECKING:
    from stacks.settings import ModelSettings, StageSettings

_ENVIRONMENT_KEYS = (
    "ec2_instance_types",
    "max_instance_count",
    "vpc_id",
    "load_balancer_subnet_ids",
    "internal",
    "certificate_arn",
    "domain_name",
    "deployment",
    "platform_version",
)
_ENDPOINT_KEYS = ("max_concurrency", "front_door")
_FUNCTION_KEYS = (
    "memory_mb",
    "provisioned_concurrency",
    "architecture",
    "timeout_s",
    "model_source",
    "snap_start",
    "reserved_concurrency",
    "security_group_ids",
)
_API_KEYS = ("auth", "throttle_rate", "throttle_burst", "quota_per_day", "cors_origins")


@dataclass(frozen=True)
class Placed:
    """`[serve]` on a stage."""

    stage: StageSettings
    serve: ServeSection

    @property
    def certificate_arn(self) -> str | None:
        """The certificate in use: none on this machine, and none where there is no load balancer."""
        used = self.stage.load_balanced and self.stage.name != "local"
        return self.serve.certificate_arn if used else None

    @property
    def min_count(self) -> int:
        """How many machines there are at least."""
        return (self.serve.instance_count or self.stage.instance_count) if self.stage.load_balanced else 1

    @property
    def max_count(self) -> int:
        """How many machines there are at the most."""
        return (self.serve.max_instance_count or 2 * self.min_count) if self.stage.load_balanced else 1


def require_deployable(stage: StageSettings, model: ModelSettings) -> None:
    """Refuse what a stage cannot have of a model's settings.

    Raises:
        SettingsError: names the key, its value, why not, and what to do.
    """
    where = f"model_code/{model.name}/model.toml"
    require_possible(Placed(stage, model.serve), PLACED_COMBINATIONS, where, section="serve.")


def without_effect(stage: StageSettings, serve: ServeSection) -> list[str]:
    """Return the keys that are written, and mean nothing where a single machine is all there is."""
    if stage.load_balanced:
        return []
    keys = ["instance_count", "max_instance_count", "certificate_arn", "domain_name"]
    keys += ["deployment"] if serve.deployment == "rolling" else []
    return [key for key in keys if getattr(serve, key)]


def _variants(serve: ServeSection) -> Iterator[Hit]:
    if serve.on_beanstalk and serve.variants:
        yield "variants", [variant.name for variant in serve.variants]


def _no_zip(serve: ServeSection) -> Iterator[Hit]:
    if serve.on_beanstalk and serve.package == "zip":
        yield "package", serve.package


def _source_elsewhere(serve: ServeSection) -> Iterator[Hit]:
    if not serve.on_beanstalk and serve.package == "source":
        yield "package", serve.package


def _half_a_certificate(serve: ServeSection) -> Iterator[Hit]:
    for key, other in (("certificate_arn", "domain_name"), ("domain_name", "certificate_arn")):
        if getattr(serve, key) and not getattr(serve, other):
            yield key, getattr(serve, key)


def _half_a_vpc(serve: ServeSection) -> Iterator[Hit]:
    if serve.on_beanstalk and serve.vpc_id and not serve.subnet_ids:
        yield "vpc_id", serve.vpc_id
    for key in ("subnet_ids", "load_balancer_subnet_ids"):
        if serve.on_beanstalk and getattr(serve, key) and not serve.vpc_id:
            yield key, list(getattr(serve, key))


def _one_zone(serve: ServeSection) -> Iterator[Hit]:
    if len(set(serve.load_balancer_subnet_ids)) == 1:
        yield "load_balancer_subnet_ids", list(serve.load_balancer_subnet_ids)


def _most_below_least(placed: Placed) -> Iterator[Hit]:
    if placed.max_count < placed.min_count:
        yield "max_instance_count", placed.serve.max_instance_count


def _no_room_to_roll(placed: Placed) -> Iterator[Hit]:
    rolling = placed.stage.load_balanced and placed.serve.deployment == "rolling"
    if rolling and placed.max_count == placed.min_count:
        yield "deployment", "rolling"


def _balancer_nowhere(placed: Placed) -> Iterator[Hit]:
    if placed.stage.load_balanced and placed.serve.vpc_id and not placed.serve.load_balancer_subnet_ids:
        yield "vpc_id", placed.serve.vpc_id


def _inside_nothing(serve: ServeSection) -> Iterator[Hit]:
    if serve.internal and not serve.vpc_id:
        yield "internal", True


def _public_machine(placed: Placed) -> Iterator[Hit]:
    if placed.serve.internal and not placed.stage.load_balanced:
        yield "internal", True


def _certificate_of_another_region(placed: Placed) -> Iterator[Hit]:
    if (arn := placed.certificate_arn) and placed.stage.region not in (None, arn.split(":")[3]):
        yield "certificate_arn", arn


def _certificate_of_another_account(placed: Placed) -> Iterator[Hit]:
    if (arn := placed.certificate_arn) and placed.stage.account not in (None, arn.split(":")[4]):
        yield "certificate_arn", arn


# In order: the later ones may rely on what the earlier ones refuse.
BEANSTALK_COMBINATIONS: tuple[Combination[ServeSection], ...] = (
    Combination(
        _variants,
        "An environment runs one version; shares and shadows are of SageMaker endpoints.",
        'Set target = "sagemaker", or remove [[serve.variants]] (for one command: variants=[]).',
    ),
    Combination(
        written(_ENDPOINT_KEYS, lambda serve: serve.on_beanstalk),
        "It is of SageMaker endpoints.",
        "Remove it. instance_count and max_instance_count say how many machines answer.",
    ),
    Combination(
        written(_FUNCTION_KEYS, lambda serve: serve.on_beanstalk),
        "It is of what AWS runs on demand, and machines answer.",
        "Remove it, and set ec2_instance_types, instance_count and max_instance_count instead.",
    ),
    Combination(
        written(_API_KEYS, lambda serve: serve.on_beanstalk),
        "It is of an API of API Gateway, and there is none: a load balancer takes every request.",
        'Set target = "lambda", or remove it; internal = true lets in only who is in the VPC.',
    ),
    Combination(
        _no_zip,
        "A zip file is of a Lambda function; an environment runs our container.",
        'Set package = "image" or "source", or remove it.',
    ),
    Combination(
        written(_ENVIRONMENT_KEYS, lambda serve: not serve.on_beanstalk),
        "It is of an environment of Elastic Beanstalk.",
        'Set target = "beanstalk", or remove it.',
    ),
    Combination(
        _source_elsewhere,
        "Only the machines of Elastic Beanstalk build an image by themselves.",
        'Set target = "beanstalk", or remove it.',
    ),
    Combination(
        _half_a_certificate,
        "A client compares the name that it asked for with the certificate's, so both are needed.",
        "Set certificate_arn and domain_name, or neither.",
    ),
    Combination(
        _half_a_vpc,
        "An environment outside the account's default VPC needs both: the VPC, and the machines' subnets.",
        "Set vpc_id and subnet_ids, or neither of them nor load_balancer_subnet_ids.",
    ),
    Combination(
        _one_zone,
        "An Application Load Balancer stands in two zones at least.",
        "Name a second subnet, in another zone.",
    ),
    Combination(
        _inside_nothing,
        "Beanstalk places a load balancer by a VPC's settings; those of the default one are public.",
        "Set vpc_id, subnet_ids and load_balancer_subnet_ids, or remove it.",
    ),
)
PLACED_COMBINATIONS: tuple[Combination[Placed], ...] = (
    Combination(
        _most_below_least,
        "It is less than the machines that there are always: instance_count, or else the stage's.",
        "Set as many or more, or remove it: then it is twice that.",
    ),
    Combination(
        _no_room_to_roll,
        "A change of settings takes machines away one by one, and there is no room for one more before.",
        'Set max_instance_count to more than instance_count, or deployment = "immutable".',
    ),
    Combination(
        _balancer_nowhere,
        "The load balancer needs subnets of that VPC, in two zones.",
        "Set load_balancer_subnet_ids.",
    ),
    Combination(
        _public_machine,
        "The stage has a single machine without a load balancer, and its address is public.",
        "Set load_balanced = true for the stage in stages.toml, or remove it.",
    ),
    Combination(
        _certificate_of_another_region,
        "A load balancer takes certificates of its own region only, and the stage's is another one.",
        "Request a certificate in the region that stages.toml names, or change that.",
    ),
    Combination(
        _certificate_of_another_account,
        "A load balancer takes certificates of its own account only, and the stage's is another one.",
        "Request a certificate in the account that stages.toml names, or change that.",
    ),
)
