"""An environment's health out of its instances', in the words of enhanced health reporting.

Source: "Health colors and statuses" and "Cause messages" of the developer guide.
"""

import time
from collections.abc import Sequence

from localaws.beanstalk.fleet.instance import Instance
from localaws.beanstalk.running import Deployment, Health, InstanceHealth


def health_of(instances: Sequence[Instance], expected: Deployment | None, busy: Deployment | None) -> Health:
    """Return the health. `expected` is what was deployed last; `busy` is what is being deployed."""
    shown = tuple(_instance(instance, expected, busy) for instance in instances)
    if not shown:
        if busy:
            return Health("Grey", "Pending", ("Performing initialization.",))
        return Health("Grey", "No Data", ("There are no instances.",))
    sick = sum(1 for instance in instances if instance.unhealthy_since is not None)
    causes: list[str] = []
    if sick == len(shown):
        causes.append("ELB processes are not healthy on all instances.")
        return Health("Red", "Severe", tuple(causes), shown)
    if sick:
        causes.append(f"ELB processes are not healthy on {sick} out of {len(shown)} instances.")
    wrong = sum(1 for instance in instances if _is_other(instance, expected))
    if busy:
        causes.append(f"Command is executing on {_some(len(shown), len(shown))}.")
        return Health(*(("Yellow", "Warning") if sick else ("Green", "Info")), tuple(causes), shown)
    if wrong and expected:
        causes.append(
            f"Incorrect application version found on {_some(wrong, len(shown))}. "
            f'Expected version "{expected.version_label}" (deployment {expected.deployment_id}).'
        )
    if causes:
        return Health("Red", "Degraded", tuple(causes), shown)
    return Health("Green", "Ok", (), shown)


def _some(count: int, total: int) -> str:
    return "all instances" if count == total else f"{count} out of {total} instances"


def _is_other(instance: Instance, expected: Deployment | None) -> bool:
    application = instance.application
    return bool(expected and application and application.deployment.deployment_id != expected.deployment_id)


def _instance(instance: Instance, expected: Deployment | None, busy: Deployment | None) -> InstanceHealth:
    application = instance.application
    deployment = application.deployment if application else busy
    color, status = "Green", "Ok"
    causes: tuple[str, ...] = ()
    if instance.unhealthy_since is not None:
        seconds = int(time.time() - instance.unhealthy_since)
        color, status = "Red", "Severe"
        causes = (f"Process default has been unhealthy for {seconds} seconds. {instance.cause}",)
    elif not busy and expected and deployment and _is_other(instance, expected):
        color, status = "Red", "Degraded"
        causes = (
            f'Incorrect application version "{deployment.version_label}" (deployment '
            f'{deployment.deployment_id}). Expected version "{expected.version_label}" '
            f"(deployment {expected.deployment_id}).",
        )
    return InstanceHealth(
        instance_id=instance.id,
        version_label=deployment.version_label if deployment else "",
        color=color,
        status=status,
        causes=causes,
        launched_at=instance.launched_at,
        address=f"127.0.0.1:{application.port}" if application else "",
        deployment_id=deployment.deployment_id if deployment else 0,
        deployment_status="In Progress" if instance.starting else "Deployed",
        deployed_at=application.deployed_at if application else instance.launched_at,
    )
