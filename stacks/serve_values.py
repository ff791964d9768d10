"""What a value of `[serve]` may be, where its type alone does not say so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field

from stacks.instances import is_arm

# A bucket and at least one character of a key. No * or ?: IAM would read them as wildcards; no comma: the
# container gets the prefixes as one text.
_S3_PREFIX = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^/*?,\s$][^*?,\s$]*")
# [registry[:port]/]name, and then a tag or a digest.
_PINNED_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9._/-]*(?::\d+/[a-z0-9._/-]+)?(:\w[\w.-]*)?(@sha256:[0-9a-f]{64})?"
)
# scheme://host[:port] as a browser sends it.
_ORIGIN = re.compile(r"https://[a-z0-9.-]+(:\d+)?|http://(localhost|127\.0\.0\.1)(:\d+)?")
_EC2_INSTANCE_TYPE = re.compile(r"[a-z][a-z0-9-]*\.(\d+)?(nano|micro|small|medium|large|xlarge|metal)")
# The account and the region are AWS's; a load balancer takes a certificate of its own region only.
_CERTIFICATE = re.compile(
    r"arn:aws[a-z-]*:acm:[a-z]{2}(-[a-z]+)+-\d:\d{12}:certificate/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")


def _pinned(image: str) -> str:
    match = _PINNED_IMAGE.fullmatch(image)
    if match is None:
        raise ValueError("Write it as registry/name:tag or registry/name@sha256:digest")
    if match[2] is None and match[1] in (None, ":latest"):
        raise ValueError("It names neither a tag nor a digest, so two builds could be of two images")
    return image


def _prefixes(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    for prefix in prefixes:
        if not _S3_PREFIX.fullmatch(prefix):
            raise ValueError(f"{prefix!r} is not s3://bucket/prefix (a part of a bucket, no wildcard)")
    return prefixes


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is not one site: scheme and host, such as https://www.example.com; http is "
                "for localhost alone, and * would be every site"
            )
    return origins


def _ids(prefix: str) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    def checked(ids: tuple[str, ...]) -> tuple[str, ...]:
        for text in ids:
            if not re.fullmatch(prefix + r"-[0-9a-f]{8,17}", text):
                raise ValueError(f"{text!r} is not the id of one, such as {prefix}-0123456789abcdef0")
        return ids

    return checked


def _ec2_instance_types(types: tuple[str, ...]) -> tuple[str, ...]:
    if not types:
        raise ValueError('It names no machine; write at least one, such as ["t3.small"]')
    for text in types:
        if not _EC2_INSTANCE_TYPE.fullmatch(text):
            raise ValueError(f"{text!r} is not a machine of EC2, such as t3.small")
        if is_arm(f"ml.{text}"):
            raise ValueError(f"{text!r} is an Arm machine, and the image is built for x86_64")
    return types


def _certificate(arn: str | None) -> str | None:
    if arn is not None and not _CERTIFICATE.fullmatch(arn):
        raise ValueError(
            "It is not the ARN of a certificate in AWS Certificate Manager: "
            "arn:aws:acm:<region>:<account>:certificate/<id>"
        )
    return arn


def _domain(name: str | None) -> str | None:
    if name is not None and not _DOMAIN.fullmatch(name):
        raise ValueError("It is not the name of one host in lower case, such as iris.example.com")
    return name


PinnedImage = Annotated[str, AfterValidator(_pinned)]
S3Prefixes = Annotated[tuple[str, ...], AfterValidator(_prefixes), Field(strict=False)]
Origins = Annotated[tuple[str, ...], AfterValidator(_origins), Field(strict=False)]
SubnetIds = Annotated[tuple[str, ...], AfterValidator(_ids("subnet")), Field(strict=False)]
SecurityGroupIds = Annotated[tuple[str, ...], AfterValidator(_ids("sg")), Field(strict=False)]
Ec2InstanceTypes = Annotated[tuple[str, ...], AfterValidator(_ec2_instance_types), Field(strict=False)]
CertificateArn = Annotated[str | None, AfterValidator(_certificate)]
DomainName = Annotated[str | None, AfterValidator(_domain)]
