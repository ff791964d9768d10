"""What cannot be in one `[serve]` together where Lambda or API Gateway is asked for: as combinations.py.

Sources, in the Lambda developer guide: "Lambda SnapStart" (it takes both architectures), "Configuring
provisioned concurrency" and "Giving Lambda functions access to resources in an Amazon VPC".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stacks.combinations import Combination, Hit
from stacks.serve_settings import ServeSection

_FUNCTION_KEYS = (
    "package",
    "architecture",
    "timeout_s",
    "model_source",
    "snap_start",
    "reserved_concurrency",
    "subnet_ids",
    "security_group_ids",
)
_API_KEYS = ("auth", "throttle_rate", "throttle_burst", "quota_per_day", "cors_origins")
_ENDPOINT_KEYS = ("max_concurrency", "s3_prefixes", "front_door")


def written(
    keys: tuple[str, ...], where: Callable[[ServeSection], bool]
) -> Callable[[ServeSection], Iterator[Hit]]:
    """Return a check for keys that were written where they mean nothing; false and [] may stand."""

    def found(serve: ServeSection) -> Iterator[Hit]:
        for key in keys:
            if where(serve) and key in serve.model_fields_set and (value := getattr(serve, key)):
                yield key, list(value) if isinstance(value, tuple) else value

    return found


def _variants_of_a_function(serve: ServeSection) -> Iterator[Hit]:
    if serve.on_lambda and serve.variants:
        yield "variants", [variant.name for variant in serve.variants]


def _snapshot_of_an_image(serve: ServeSection) -> Iterator[Hit]:
    if serve.snap_start and serve.resolved_package == "image":
        yield "snap_start", True


def _snapshot_kept_warm(serve: ServeSection) -> Iterator[Hit]:
    if serve.snap_start and serve.provisioned_concurrency:
        yield "provisioned_concurrency", serve.provisioned_concurrency


def _all_reserved_is_warm(serve: ServeSection) -> Iterator[Hit]:
    if serve.reserved_concurrency and (serve.provisioned_concurrency or 0) >= serve.reserved_concurrency:
        yield "provisioned_concurrency", serve.provisioned_concurrency


def _half_a_vpc(serve: ServeSection) -> Iterator[Hit]:
    for key, other in (("subnet_ids", "security_group_ids"), ("security_group_ids", "subnet_ids")):
        if serve.on_lambda and getattr(serve, key) and not getattr(serve, other):
            yield key, list(getattr(serve, key))


def _base_of_a_zip(serve: ServeSection) -> Iterator[Hit]:
    if serve.on_lambda and serve.resolved_package == "zip" and "base_image" in serve.model_fields_set:
        yield "base_image", serve.base_image


def _quota_of_nobody(serve: ServeSection) -> Iterator[Hit]:
    if serve.quota_per_day and serve.auth != "api_key":
        yield "quota_per_day", serve.quota_per_day


def _door_before_scores(serve: ServeSection) -> Iterator[Hit]:
    if serve.front_door and serve.image == "xgboost":
        yield "front_door", True


def _door_for_several_sites(serve: ServeSection) -> Iterator[Hit]:
    if serve.front_door and len(serve.cors_origins) > 1:
        yield "cors_origins", list(serve.cors_origins)


# In order: the later ones may rely on what the earlier ones refuse.
LAMBDA_COMBINATIONS: tuple[Combination[ServeSection], ...] = (
    Combination(
        _variants_of_a_function,
        "An alias points to one version of a function; shares and shadows are of SageMaker endpoints.",
        'Set target = "sagemaker", or remove [[serve.variants]] (for one command: variants=[]).',
    ),
    Combination(
        written(_ENDPOINT_KEYS, lambda serve: serve.on_lambda),
        "It is of SageMaker endpoints.",
        "Remove it. A function's limit is reserved_concurrency, and it always has an API.",
    ),
    Combination(
        written(_FUNCTION_KEYS, lambda serve: serve.on_sagemaker),
        "It is of a Lambda function, and an endpoint answers.",
        'Set target = "lambda", or remove it.',
    ),
    Combination(
        written(_API_KEYS, lambda serve: not serve.has_api),
        "It is of an API, and the endpoint has none: IAM decides who calls it.",
        "Set front_door = true, or remove it.",
    ),
    Combination(
        _base_of_a_zip,
        "A zip file runs on the Python that AWS has; only an image starts from another one.",
        'Set package = "image", or remove it.',
    ),
    Combination(
        _snapshot_of_an_image,
        "AWS takes snapshots of functions from zip files only.",
        'Set package = "zip", or provisioned_concurrency instead of snap_start.',
    ),
    Combination(
        _snapshot_kept_warm,
        "AWS allows one of the two: instances that wait, or snapshots to start them from.",
        "Remove snap_start or provisioned_concurrency.",
    ),
    Combination(
        _all_reserved_is_warm,
        "What is kept warm is a part of reserved_concurrency, and belongs to the version that answers: where "
        "that is all, AWS runs no other, and a new version could not be tried.",
        "Set reserved_concurrency to more.",
    ),
    Combination(
        _half_a_vpc,
        "A function in a VPC needs both: subnets to be in, and security groups that say what it reaches.",
        "Set both, or neither.",
    ),
    Combination(
        _quota_of_nobody,
        "AWS counts requests for each API key, and this API has none.",
        'Set auth = "api_key", or remove it.',
    ),
    Combination(
        _door_before_scores,
        "AWS's XGBoost image takes CSV and answers scores; API Gateway cannot make our JSON of them.",
        'Set image = "own" or target = "lambda", or remove it.',
    ),
    Combination(
        _door_for_several_sites,
        "API Gateway names one site in the endpoint's answers, always the same, whoever asks.",
        'Name one site, or set target = "lambda", whose function compares them with each request.',
    ),
)
