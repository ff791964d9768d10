"""The check that an environment has to pass before it is live, and the swap that makes it so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from constructs import Construct, IDependable

from stacks.constructs.deploy_function import DeployFunction, DeployFunctionProps
from stacks.constructs.instance_profile import application_arn, environment_arns
from stacks.environment_options import Option
from stacks.rights import allow

# Lambda's longest: an environment may take minutes to become healthy, and a swap some more.
_TIMEOUT_S = 900
# CloudFormation hands a function all properties in one event.
_GOLDEN_BYTES = 20_000


@dataclass(frozen=True, kw_only=True)
class LiveEnvironmentProps:
    """What a LiveEnvironment needs to know."""

    application_name: str
    environment_name_prefix: str
    """The environments' names up to `-blue` or `-green`."""
    environment_name: str
    """Which is to be live."""
    version_label: str
    """What it is to serve."""
    options: Sequence[Option]
    """What it is to be like: a change of any has to pass, and the environment properties, of which the
    image's name is one, have to be in force."""
    platform_arn: str
    """A new platform has to pass, too."""
    manifest: Mapping[str, Any]
    """The model's: it has the golden rows."""
    domain_name: str | None
    """The name in the load balancer's certificate; None where it speaks plain HTTP."""
    internal: bool
    """The load balancer is inside a VPC. The function is not: the health alone is asked, and with it /ping,
    for which every server has verified its files and predicted a golden row."""
    patience_s: int
    """How long it may take until it is healthy; 420 s at the most."""
    drain_s: int
    """How long the old environment stays after a swap: until caches have forgotten its address."""
    log_retention_days: int
    after: Sequence[IDependable] = ()
    """What has to be there before: the environment."""


class LiveEnvironment(Construct):
    """Fails the deploy unless the environment is healthy, on the wanted version, and right on golden rows.

    Beanstalk takes a failed version or image back, or leaves it broken, and CloudFormation reports success
    for both.
    Where another environment was live before, its public name then goes to this one (SwapEnvironmentCNAMEs).
    The resource's physical id is that name: it stays when environments come and go. When the stack is rolled
    back, the name goes back, and nothing is asked.

    Attributes:
        cname: the public name; with a port on the embedded AWS.
        url: where the live environment answers, with a slash at its end.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: LiveEnvironmentProps) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        environments = environment_arns(stack, props.application_name, props.environment_name_prefix)
        application = application_arn(stack, props.application_name)
        checker = DeployFunction(
            self,
            "Checker",
            props=DeployFunctionProps(
                file="live_environment.py",
                description="Makes an environment live when it is healthy and right",
                rights={
                    "ReadAndSwap": [
                        allow(
                            [
                                "elasticbeanstalk:DescribeConfigurationSettings",
                                "elasticbeanstalk:DescribeEnvironments",
                                "elasticbeanstalk:DescribeEvents",
                            ],
                            [application, *environments],
                        ),
                        allow(["elasticbeanstalk:SwapEnvironmentCNAMEs"], environments),
                        # Whether it rolls back.
                        allow(["cloudformation:DescribeStacks"], [stack.stack_id]),
                    ]
                },
                log_retention_days=props.log_retention_days,
                timeout_s=_TIMEOUT_S,
            ),
        )
        live = checker.run(
            "Environment",
            "LiveEnvironment",
            {
                "ApplicationName": props.application_name,
                "EnvironmentName": props.environment_name,
                "VersionLabel": props.version_label,
                "Golden": golden_of(props.manifest, ask=not props.internal),
                "PatienceSeconds": str(props.patience_s),
                "DrainSeconds": str(props.drain_s),
                **({"DomainName": props.domain_name} if props.domain_name else {}),
                "OptionSettings": [
                    {"Namespace": option.namespace, "OptionName": option.name, "Value": option.value}
                    for option in props.options
                ],
                "PlatformArn": props.platform_arn,
            },
            after=props.after,
        )
        self.resource = live
        self.cname = live.get_att("Cname").to_string()
        self.url = live.get_att("EndpointUrl").to_string()


def golden_of(manifest: Mapping[str, Any], *, ask: bool) -> str:
    """Return the golden rows that fit, one at least, as JSON, with how to judge their answers.

    There are none where nobody can ask. A model's own hooks may give its answers any form: they are not
    compared, but each row has to be answered.

    Returns:
        {"rows": …, "predictions": …, "compared": …, "tolerance": …}
    """
    golden = manifest["golden"]
    rows, predictions = golden["rows"], golden["predictions"]
    count, size = 0, 0
    if ask:
        for row, prediction in zip(rows, predictions, strict=True):
            size += len(json.dumps([row, prediction]))
            if count and size > _GOLDEN_BYTES:
                break
            count += 1
    # As the server has it. Its own function would bring NumPy into synth.
    tolerance = manifest["engine"].get("agreement", {}).get("tolerance") or 0.0
    asked = {
        "rows": rows[:count],
        "predictions": predictions[:count],
        "compared": not manifest.get("hooks"),
        "tolerance": tolerance,
    }
    return json.dumps(asked, sort_keys=True, allow_nan=False)
