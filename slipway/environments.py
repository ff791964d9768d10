"""A model's environment on Elastic Beanstalk: how it is, and whether it runs what was deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from slipway.aws import Aws, made
from slipway.errors import NotDeployed, SilentRollback


@dataclass(frozen=True)
class State:
    """What Beanstalk says of an environment.

    Args:
        status: Ready, Launching, Updating, Terminating or Terminated.
        health: Green, Yellow, Red or Grey.
        told: enhanced health's word for it, such as Ok, Warning or Severe; "" where there is none.
        label: of the application version that it runs.
        instances: how many machines there are.
        causes: why it is not well.
    """

    status: str
    health: str
    told: str
    label: str
    instances: int
    causes: tuple[str, ...]


def is_environment(outputs: Mapping[str, str]) -> bool:
    """Whether these are the outputs of a model on Beanstalk."""
    return "EnvironmentName" in outputs


def state_of(aws: Aws, outputs: Mapping[str, str]) -> State:
    """Return how a model's environment is.

    Raises:
        NotDeployed: the environment is gone.
    """
    client = aws.client("elasticbeanstalk")
    name = outputs["EnvironmentName"]
    found = client.describe_environments(
        ApplicationName=outputs["ApplicationName"], EnvironmentNames=[name], IncludeDeleted=False
    )["Environments"]
    if not found:
        raise NotDeployed(
            f"The environment {name} is gone.",
            why="Somebody terminated it, and CloudFormation does not know.",
            fix="Make another one in its place: slipway deploy MODEL --swap",
        )
    about = found[0]
    instances, causes = 0, ()
    try:
        resources = client.describe_environment_resources(EnvironmentName=name)["EnvironmentResources"]
        instances = len(resources.get("Instances", []))
        health = client.describe_environment_health(EnvironmentName=name, AttributeNames=["Causes"])
        causes = tuple(health.get("Causes", []))
    except ClientError:
        pass  # an environment that is being made tells neither yet
    return State(
        status=str(about["Status"]),
        health=str(about.get("Health", "Grey")),
        told=str(about.get("HealthStatus", "")),
        label=str(about.get("VersionLabel", "")),
        instances=instances,
        causes=causes,
    )


def check_environment(aws: Aws, model: str) -> None:
    """Compare what a model's environment runs with what its stack asked for.

    Beanstalk can take an update back by itself, or be changed beside CloudFormation, by the `eb` CLI too.

    Raises:
        SilentRollback: they differ, or the environment is not ready.
        DeployFailed: the stack has no application version.
    """
    outputs, asked = aws.outputs(model), made(aws, model, "AWS::ElasticBeanstalk::ApplicationVersion")
    state = state_of(aws, outputs)
    if state.status != "Ready" or state.label != asked:
        raise SilentRollback(
            f"{outputs['EnvironmentName']} is {state.status} on {state.label or 'no version'}; "
            f"the stack asked for {asked}.",
            why="\n".join(state.causes) or "Beanstalk gives no reason.",
            fix=f"Read its log: slipway logs {model}. Then mend the model and deploy again.",
        )
