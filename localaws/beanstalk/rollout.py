"""How an environment gets to a configuration: the checks, the bundle's copy, the instances, the events."""

import json
import time
from typing import TYPE_CHECKING

from localaws.beanstalk import names
from localaws.beanstalk.configuration import Configuration
from localaws.beanstalk.options import MOST_INSTANCES
from localaws.beanstalk.parts import PRINCIPAL, Parts
from localaws.beanstalk.running import Deployment, FleetError
from localaws.ports import AccessDeniedError, NotFoundError, Scope

if TYPE_CHECKING:
    from localaws.beanstalk.environment import Environment

_RUNTIME = "resources/environments/{id}/_runtime"


class LaunchError(Exception):
    """The environment cannot be made at all; the text is the event."""


class Rollout:
    """Deploys configurations to one environment's instances."""

    def __init__(self, parts: Parts, scope: Scope, environment: "Environment") -> None:
        self._parts = parts
        self._scope = scope
        self._environment = environment
        self._bucket = names.bucket(scope)
        self._deployments = 0

    def first(self, wanted: Configuration) -> bool:
        """Start the instances. False where the application does not come up on them; raises LaunchError.

        An environment whose application does not start exists all the same, as on AWS.
        """
        say = self._environment.say
        say("INFO", f"Using {self._bucket} as Amazon S3 storage bucket for environment data.")
        self._explain(wanted)
        try:
            self._deploy(wanted)
        except FleetError as error:
            self._failed(error)
            return False
        return True

    def to(self, wanted: Configuration, old: Configuration) -> bool:
        """Bring the instances to a configuration. False where they stay at the old one."""
        say = self._environment.say
        reconfigured = (wanted.options, wanted.platform) != (old.options, old.platform)
        if reconfigured:
            say("INFO", f"Updating environment {self._environment.name}'s configuration settings.")
            self._explain(wanted)
        try:
            self._change(wanted, old)
        except (FleetError, LaunchError) as error:
            self._failed(error)
            if wanted.options.policy != "Immutable" and isinstance(error, FleetError):
                say(
                    "ERROR",
                    "During an aborted deployment, some instances may have deployed the new application "
                    "version. To ensure all instances are running the same version, re-deploy the "
                    "appropriate application version.",
                )
            if reconfigured:
                say("ERROR", "Failed to deploy configuration.")
                say("INFO", "The environment was reverted to the previous configuration setting.")
            return False
        if reconfigured:
            say("INFO", "Successfully deployed new configuration to environment.")
        say("INFO", "Environment update completed successfully.")
        return True

    def restart(self) -> str:
        """Restart the application."""
        try:
            self._environment.fleet.restart()
        except FleetError as error:
            self._environment.say("ERROR", f"Failed to restart application server(s). {error.reason}")
        else:
            self._environment.say("INFO", "restartAppServer completed successfully.")
        return "Ready"

    def _change(self, wanted: Configuration, old: Configuration) -> None:
        """Do no more than what differs asks for: a deployment, other instances, or neither."""
        if wanted == old or _on_instances(wanted) != _on_instances(old):
            self._deploy(wanted)
        elif wanted.options.instances != old.options.instances:
            self._environment.fleet.resize(wanted.options.instances)

    def _deploy(self, wanted: Configuration) -> None:
        self._deployments += 1
        role, key = self._checked_roles(wanted), self._copied(wanted)
        if self._environment.aborted:
            raise FleetError("The update was aborted.")
        self._environment.fleet.deploy(
            Deployment(
                version_label=wanted.version.label,
                bucket=self._bucket,
                key=key,
                role_arn=role,
                deployment_id=self._deployments,
                log_group_prefix=(
                    f"/aws/elasticbeanstalk/{self._environment.name}"
                    if wanted.options.log_retention_days
                    else None
                ),
                **wanted.options.rollout(),
            )
        )

    def _checked_roles(self, wanted: Configuration) -> str:
        """Return the instance profile's role. Raises LaunchError where a role is missing or trusts nobody."""
        profile = wanted.options.instance_profile
        if not profile:
            raise LaunchError("Environment must have instance profile associated with it.")
        role = self._parts.account.role_of_profile(self._scope, profile)
        if not role:
            raise LaunchError(
                f"The instance profile {profile} associated with the environment does not exist."
            )
        if service_role := wanted.options.service_role:
            arn = self._parts.account.role_arn(self._scope, service_role) or service_role
            try:
                self._parts.roles.assume(
                    arn, service=PRINCIPAL, source_arn=self._environment.arn, scope=self._scope
                )
            except AccessDeniedError as error:
                raise LaunchError(
                    f"Elastic Beanstalk cannot assume the service role {arn}: {error}"
                ) from error
        return role

    def _copied(self, wanted: Configuration) -> str:
        """Copy the version's bundle to where instances read it, with a manifest, and return its key."""
        version, account = wanted.version, self._parts.account
        runtime = _RUNTIME.format(id=self._environment.id)
        key = f"{runtime}/_versions/{version.application}/{version.label}"
        account.make_bucket(self._scope, self._bucket)
        try:
            account.copy(self._scope, (version.bucket, version.key), (self._bucket, key))
        except NotFoundError as error:
            raise FleetError(
                f"The source bundle of version {version.label} is gone: s3://{version.bucket}/{version.key}"
            ) from error
        manifest = {
            "RuntimeSources": {version.application: {version.label: {"s3url": ""}}},
            "DeploymentId": self._deployments,
            "Serial": self._deployments,
        }
        account.put(
            self._scope,
            self._bucket,
            f"{runtime}/versions/manifest_{time.time_ns() // 1_000_000}",
            json.dumps(manifest).encode(),
        )
        return key

    def _explain(self, wanted: Configuration) -> None:
        """Say what the embedded AWS does otherwise than AWS."""
        options, say = wanted.options, self._environment.say
        if options.wanted_instances > MOST_INSTANCES:
            say(
                "INFO",
                f"The embedded AWS starts {MOST_INSTANCES} instances instead of {options.wanted_instances}.",
            )
        for listener in options.certificates:
            say(
                "INFO",
                f"The embedded AWS serves port {listener.rpartition(':')[2]} over HTTP at "
                f"{self._environment.cname}; TLS is for AWS.",
            )

    def _failed(self, error: Exception) -> None:
        if not any(
            str(error) in told for told in self._environment.errors()
        ):  # instances tell much themselves
            self._environment.say("ERROR", str(error))
        self._environment.say("ERROR", "Failed to deploy application.")


def _on_instances(wanted: Configuration) -> tuple[object, ...]:
    """Return what an instance has of a configuration."""
    manner = ("instances", "batch", "policy", "command_timeout_s", "ignore_health_check")
    told = {name: value for name, value in wanted.options.rollout().items() if name not in manner}
    return wanted.version, wanted.platform, wanted.options.instance_profile, told
