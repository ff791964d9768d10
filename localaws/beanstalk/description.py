"""What the API shows of an environment."""

from typing import Any

from localaws.beanstalk import names
from localaws.beanstalk.environment import Environment


def described(environment: Environment) -> dict[str, Any]:
    """Return the environment as DescribeEnvironments shows it."""
    health = environment.health()
    return {
        "EnvironmentName": environment.name,
        "EnvironmentId": environment.id,
        "ApplicationName": environment.application,
        "Description": environment.description or None,
        **environment.current.describe(),
        "EndpointURL": environment.endpoint,
        "CNAME": environment.cname,
        "DateCreated": environment.created,
        "DateUpdated": environment.updated,
        "Status": environment.status,
        "AbortableOperationInProgress": environment.status == "Updating",
        "Health": health.color,
        "HealthStatus": health.status.replace(" ", ""),  # "No Data" elsewhere
        "Tier": names.TIER,
        "EnvironmentLinks": [],
        "EnvironmentArn": environment.arn,
    }


def resources(environment: Environment) -> dict[str, Any]:
    """Answer DescribeEnvironmentResources. Names are as AWS makes them."""
    scope, number = environment.scope, environment.id.removeprefix("e-")
    balancer = (
        f"arn:aws:elasticloadbalancing:{scope.region}:{scope.account}:loadbalancer/app/"
        f"awseb--AWSEB-{number}/{number}"
    )
    told = {
        "EnvironmentName": environment.name,
        "AutoScalingGroups": [{"Name": f"awseb-{environment.id}-stack-AWSEBAutoScalingGroup"}],
        "Instances": [{"Id": instance.instance_id} for instance in environment.health().instances],
        "LaunchConfigurations": [],
        "LaunchTemplates": [{"Id": f"lt-{number}"}],
        "LoadBalancers": [{"Name": balancer}] if environment.current.options.load_balanced else [],
        "Triggers": [],
        "Queues": [],
    }
    return {"EnvironmentResources": told}
