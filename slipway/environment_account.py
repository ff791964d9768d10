"""What an account has to have for environments on Elastic Beanstalk: the platform's version, certificates."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from slipway.aws import Aws
from slipway.check import Check
from stacks.beanstalk_combinations import Placed
from stacks.platforms import DOCKER
from stacks.settings import ModelSettings

# ListPlatformVersions says of a version that it is Recommended or nothing; a whole branch is retired.
_RECOMMENDED, _ENDING = "Recommended", ("Deprecated", "Retired")


def beanstalk_checks(aws: Aws, models: list[ModelSettings]) -> Iterator[Check]:
    """Yield whether each model's pinned platform version is still there, and its certificate can be used."""
    try:
        listed = _versions(aws)
    except (BotoCoreError, ClientError) as error:
        yield Check("Beanstalk platform", False, str(error), "Ask for elasticbeanstalk:ListPlatformVersions.")
        listed = None
    for model in models:
        if listed is not None:
            yield _platform(model, listed)
        if arn := Placed(aws.stage, model.serve).certificate_arn:
            yield _certificate(aws, model, arn)


def _versions(aws: Aws) -> list[dict[str, Any]]:
    """Return the versions of our platform branch that AWS has, by ListPlatformVersions."""
    client, found, token = aws.client("elasticbeanstalk"), [], None
    filters = [{"Type": "PlatformBranchName", "Operator": "=", "Values": [DOCKER]}]
    while True:
        page = client.list_platform_versions(Filters=filters, **({"NextToken": token} if token else {}))
        found += page["PlatformSummaryList"]
        token = page.get("NextToken")
        if not token:
            return found


def _platform(model: ModelSettings, listed: list[dict[str, Any]]) -> Check:
    name, pinned = f"platform {model.name}", model.serve.platform_version
    by_version = {str(each["PlatformVersion"]): each for each in listed}
    current = next(
        (
            version
            for version, each in by_version.items()
            if each.get("PlatformLifecycleState") == _RECOMMENDED
        ),
        "",
    )
    known = f"AWS recommends {current}" if current else "AWS recommends none"
    fix = (
        f'Set platform_version = "{current}" in [serve] of model_code/{model.name}/model.toml, and deploy.'
        if current
        else f"AWS has no current version of {DOCKER}: a newer platform is needed."
    )
    if pinned not in by_version:
        return Check(name, False, f"{pinned} is gone; {known}", fix)
    state = str(by_version[pinned].get("PlatformBranchLifecycleState", ""))
    if state.title() in _ENDING:
        return Check(name, False, f"{pinned}: AWS has {state.lower()} {DOCKER}", fix)
    return Check(name, True, pinned if pinned == current else f"{pinned}; {known}")


def _certificate(aws: Aws, model: ModelSettings, arn: str) -> Check:
    name, region = f"certificate {model.name}", str(aws.session.region_name)
    if (other := arn.split(":")[3]) != region:
        fix = f"Request one in {region}, or set the region of [{aws.stage.name}] in stages.toml to {other}."
        return Check(name, False, f"it is in {other}, and the load balancer in {region}", fix)
    try:
        found = aws.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    except (BotoCoreError, ClientError) as error:
        return Check(name, False, str(error), "Set certificate_arn to one that this account has.")
    status = str(found["Status"])
    if status != "ISSUED":
        fix = "Make the DNS records that AWS Certificate Manager asks for, or request another one."
        return Check(name, False, f"it is {status}", fix)
    names = found.get("SubjectAlternativeNames") or [found["DomainName"]]
    domain = model.serve.domain_name or ""
    if not any(_covers(each, domain) for each in names):
        fix = "Set domain_name to a name that the certificate has."
        return Check(name, False, f"it is for {', '.join(names)}, and not for {domain}", fix)
    return Check(name, True, f"{domain}, issued")


def _covers(name: str, domain: str) -> bool:
    """Whether a name of a certificate is a domain's; * stands for one label."""
    return fnmatchcase(domain, name) and name.count(".") == domain.count(".")
