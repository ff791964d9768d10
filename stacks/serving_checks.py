"""Checks of models, endpoints, and what they run from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stacks.instances import takes_volume_key
from stacks.template_reading import (
    PROPERTIES_NAMESPACE,
    Hit,
    Template,
    listed,
    option_settings,
    resources,
    shadows,
    strings,
    variants,
)

PROD_MIN_INSTANCES = 2
_IMAGE = (PROPERTIES_NAMESPACE, "SLIPWAY_IMAGE")
_ENDPOINT_METRICS = ("Invocation5XXErrors", "ModelLatency")
_CONTENT_TAG = re.compile(r".*(:[0-9a-f]{64}|@sha256:[0-9a-f]{64})")
_REPOSITORY_SETTINGS: dict[str, Any] = {
    "ImageScanningConfiguration": {"ScanOnPush": True},
    "ImageTagMutability": "IMMUTABLE",
    "EmptyOnDelete": True,
}


def fixed_names(template: Template) -> Iterator[Hit]:
    """Yield names that a changed model would collide with."""
    for kind, key in (("Model", "ModelName"), ("EndpointConfig", "EndpointConfigName")):
        for name, resource in resources(template, f"AWS::SageMaker::{kind}"):
            if key in resource["Properties"]:
                yield name, ""


def network_open(template: Template) -> Iterator[Hit]:
    """Yield models that reach the network. A serverless one cannot be isolated."""
    exempt = _serverless_models(template)
    for name, resource in resources(template, "AWS::SageMaker::Model"):
        if name not in exempt and resource["Properties"].get("EnableNetworkIsolation") is not True:
            yield name, ""


def no_execution_role(template: Template) -> Iterator[Hit]:
    """Yield models without a role."""
    for name, resource in resources(template, "AWS::SageMaker::Model"):
        if not resource["Properties"].get("ExecutionRoleArn"):
            yield name, ""


def unwatched_endpoints(template: Template) -> Iterator[Hit]:
    """Yield endpoints that lack a log group, or a variant that lacks an alarm."""
    groups = {
        name: resource["Properties"].get("LogGroupName")
        for name, resource in resources(template, "AWS::Logs::LogGroup")
    }
    alarms = {
        (by.get("EndpointName"), by.get("VariantName"), resource["Properties"].get("MetricName"))
        for _, resource in resources(template, "AWS::CloudWatch::Alarm")
        for by in [{d["Name"]: str(d["Value"]) for d in resource["Properties"].get("Dimensions", [])}]
    }
    answering = {str(variant.get("VariantName")) for _, variant in variants(template)}
    for name, resource in resources(template, "AWS::SageMaker::Endpoint"):
        endpoint = str(resource["Properties"].get("EndpointName"))
        waits_for = {groups.get(other) for other in listed(resource.get("DependsOn"))}
        if f"/aws/sagemaker/Endpoints/{endpoint}" not in waits_for:
            yield name, "log group"
        for variant in sorted(answering):
            for metric in _ENDPOINT_METRICS:
                if (endpoint, variant, metric) not in alarms:
                    yield name, f"{metric} of {variant}"


def too_few_instances(template: Template) -> Iterator[Hit]:
    """Yield variants on fewer machines than an outage of one allows."""
    for name, variant in variants(template):
        if "ServerlessConfig" not in variant and variant.get("InitialInstanceCount", 0) < PROD_MIN_INSTANCES:
            yield name, str(variant.get("VariantName"))


def no_key(template: Template) -> Iterator[Hit]:
    """Yield what is encrypted without a key of the person."""
    buckets = dict(resources(template, "AWS::S3::Bucket"))
    # S3's log delivery encrypts with S3's own keys.
    log_buckets = {
        reference
        for bucket in buckets.values()
        for reference in strings(bucket["Properties"].get("LoggingConfiguration", {}))
    }
    for name, bucket in buckets.items():
        if name not in log_buckets and "KMSMasterKeyID" not in json.dumps(bucket["Properties"]):
            yield name, ""
    for name, resource in resources(template, "AWS::ECR::Repository"):
        if "KmsKey" not in resource["Properties"].get("EncryptionConfiguration", {}):
            yield name, ""
    for name, config in resources(template, "AWS::SageMaker::EndpointConfig"):
        machines = [v.get("InstanceType") for _, v in (*variants(template), *shadows(template))]
        if "KmsKeyId" not in config["Properties"] and any(m and takes_volume_key(m) for m in machines):
            yield name, ""


def movable_images(template: Template) -> Iterator[Hit]:
    """Yield models and environments whose image could be another one tomorrow."""
    images = [
        (name, container.get("Image"))
        for name, resource in resources(template, "AWS::SageMaker::Model")
        for container in _containers(resource)
    ]
    for name, resource in resources(template, "AWS::ElasticBeanstalk::Environment"):
        options = option_settings(resource["Properties"])
        images += [(name, options[_IMAGE])] if _IMAGE in options else []
    for name, image in images:
        reference = "".join(strings(image))
        tag = reference.rpartition("/")[2].partition(":")[2]
        # AWS publishes its prebuilt images under tags with a version; ours have a hash.
        ours = "AWS::AccountId" in json.dumps(image) or "${AWS::AccountId}" in reference
        if tag in ("", "latest") or (ours and not _CONTENT_TAG.fullmatch(reference)):
            yield name, ""


def unsafe_repositories(template: Template) -> Iterator[Hit]:
    """Yield what a repository lacks."""
    for name, resource in resources(template, "AWS::ECR::Repository"):
        properties = resource["Properties"]
        for key, wanted in _REPOSITORY_SETTINGS.items():
            if properties.get(key) != wanted:
                yield name, key
        if not properties.get("LifecyclePolicy"):
            yield name, "LifecyclePolicy"


def refused_combinations(template: Template) -> Iterator[Hit]:
    """Yield configurations that AWS refuses: a shadow beside several, serverless with anything else."""
    for name, config in resources(template, "AWS::SageMaker::EndpointConfig"):
        properties = config["Properties"]
        production = properties.get("ProductionVariants", [])
        beside = properties.get("ShadowProductionVariants", [])
        if beside and (len(production), len(beside)) != (1, 1):
            yield name, "shadow"
        serverless = [variant for variant in [*production, *beside] if "ServerlessConfig" in variant]
        isolated = any(
            template["Resources"].get(model, {}).get("Properties", {}).get("EnableNetworkIsolation") is True
            for variant in serverless
            for model in _model_of(variant)
        )
        if serverless and (
            len(production) > 1
            or beside
            or isolated
            or "KmsKeyId" in properties
            or any("InstanceType" in variant for variant in serverless)
        ):
            yield name, "serverless"


def _serverless_models(template: Template) -> set[str]:
    return {
        model
        for _, variant in variants(template)
        if "ServerlessConfig" in variant
        for model in _model_of(variant)
    }


def _model_of(variant: Mapping[str, Any]) -> list[str]:
    """Return the logical id of a variant's model, where it is in the same template."""
    name = variant.get("ModelName")
    return [name["Fn::GetAtt"][0]] if isinstance(name, Mapping) and "Fn::GetAtt" in name else []


def _containers(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    properties = model["Properties"]
    primary = properties.get("PrimaryContainer")
    return [*([primary] if primary else []), *properties.get("Containers", [])]
