"""What the stacks tell apps: the name and type of every output.

Each is a CloudFormation output with exactly its name, and an SSM parameter `/slipway/<stage>/<Output>` or
`/slipway/<stage>/<model>/<Output>`. There are no exports: an export that is in use can be neither changed nor
removed. Reading outputs needs the standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

_PARAMETER_BYTES = 4096


class _Outputs:
    @classmethod
    def from_mapping(cls, outputs: Mapping[str, str]) -> Self:
        """Read outputs by their names, as DescribeStacks or `outputs.json` gives them; others are ignored.

        Raises:
            KeyError: an output is missing that every such stack has.
        """
        found = {}
        for field in fields(cls):  # type: ignore[arg-type]  # every subclass is a dataclass
            name = output_name(field.name)
            # `str | None` is an output that a stack has only in some stages.
            found[field.name] = outputs.get(name) if "None" in str(field.type) else outputs[name]
        return cls(**found)

    def to_mapping(self) -> dict[str, str]:
        """Return the outputs by name, those that are not there left out."""
        values = {output_name(field.name): getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class SharedOutputs(_Outputs):
    """The outputs of `slipway-<stage>`."""

    bucket_name: str
    """The bucket for data and results."""
    repository_uri: str
    """The container repository, without a tag."""
    training_role_arn: str
    """The role that training jobs run under."""
    key_arn: str | None = None
    """The key that encrypts data at rest; only in stages with `encryption = "kms"`."""
    access_logs_bucket_name: str | None = None
    """The bucket for access logs; only in stages with `access_logs = true`."""


@dataclass(frozen=True, kw_only=True)
class ModelOutputs(_Outputs):
    """The outputs of `slipway-<stage>-<model>` of a model on SageMaker."""

    endpoint_name: str
    """The endpoint's name, for InvokeEndpoint."""
    endpoint_arn: str
    """The endpoint's ARN, for policies of those who call it."""
    endpoint_config_name: str
    """The configuration that the endpoint was asked to run; it runs another one after a silent rollback."""
    model_version: str
    """The champion's version: 12 hex digits."""
    artifact_uri: str
    """Where the champion's archive is: s3://bucket/key."""
    variants: str
    """The version of each variant, as JSON: {"challenger": "0123456789ab", "champion": "ba9876543210"}."""
    model_name: str
    """The champion as SageMaker's Model: what a transform job names."""
    model_package_group_name: str
    """The registry of the model's versions."""
    batch_state_machine_arn: str
    """The state machine that predicts for files."""
    training_state_machine_arn: str | None = None
    """The state machine that trains again; only of models that SageMaker can train."""
    wire_format: str | None = None
    """How the endpoint wants rows, as JSON {"format": "xgboost", "features": […], "classes": […]}; only where
    AWS's built-in image answers, which speaks CSV and scores."""
    api_url: str | None = None
    """Where the API in front of the endpoint answers, with a slash at its end; only with front_door."""
    api_auth: str | None = None
    """Who may call that API: iam (requests are signed), api_key, or none: everybody; only with front_door."""
    api_key_id: str | None = None
    """The id of its API key, for GetApiKey; only with `auth = "api_key"`."""


@dataclass(frozen=True, kw_only=True)
class LambdaOutputs(_Outputs):
    """The outputs of `slipway-<stage>-<model>` of a model on Lambda."""

    model_version: str
    """The model's version: 12 hex digits."""
    function_name: str
    """The function's name, for Invoke."""
    alias_name: str
    """The alias that the API calls: live."""
    api_url: str
    """Where the API answers, with a slash at its end."""
    api_auth: str
    """Who may call the API: iam (requests are signed), api_key, or none (everybody)."""
    api_key_id: str | None = None
    """The id of the API key, for GetApiKey; only with `auth = "api_key"`."""


@dataclass(frozen=True, kw_only=True)
class BeanstalkOutputs(_Outputs):
    """The outputs of `slipway-<stage>-<model>` of a model on Elastic Beanstalk."""

    model_version: str
    """The model's version: 12 hex digits."""
    application_name: str
    """The application's name."""
    environment_name: str
    """The name of the environment that answers; it ends in -blue or -green."""
    environment_url: str
    """Where the environment answers, with a slash at its end."""
    environment_cname: str
    """The name that AWS gave it, which goes over to the next environment: what a DNS record points to."""
    domain_name: str | None = None
    """The name in its certificate; only with `certificate_arn`."""


def written_variants(versions: Mapping[str, str]) -> str:
    """Return the output `Variants` for versions by the variants' names."""
    return json.dumps(versions, sort_keys=True)


def written_wire_format(signature: Mapping[str, Any]) -> str:
    """Return the output `WireFormat` of AWS's built-in XGBoost image for a manifest's signature."""
    features = [feature["name"] for feature in signature["features"]]
    about = {"format": "xgboost", "classes": signature["prediction"].get("classes"), "features": features}
    # The image takes numbers: a category's text is written as its place in this list, by the column's place.
    categories = {
        str(place): feature["categories"]
        for place, feature in enumerate(signature["features"])
        if "categories" in feature
    }
    if categories:
        about["categories"] = categories
    missing = [place for place, feature in enumerate(signature["features"]) if feature.get("missing")]
    if missing:
        about["missing"] = missing
    # An SSM parameter holds 4 KB; a model so wide takes its rows as lists, and then its categories as places.
    for left_out in ("missing", "features", "categories"):
        if len(json.dumps(about)) > _PARAMETER_BYTES and left_out in about:
            about[left_out] = None
    return json.dumps(about)


def output_name(field: str) -> str:
    """Return the name of an output: `bucket_name` is `BucketName`."""
    return field.title().replace("_", "")


def parameter_name(stage: str, output: str, model: str | None = None) -> str:
    """Return the name of an output's SSM parameter.

    Args:
        stage: local, dev or prod.
        output: the output's name, such as EndpointName.
        model: the name of the model folder; None for the shared stack.
    """
    return "/".join(["", "slipway", stage, *([model] if model else []), output])
