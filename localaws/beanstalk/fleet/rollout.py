"""The deployment policies: in which order instances get a new version.

Source: "Deployment policies and settings" and "Immutable environment updates" of the developer guide. A batch
that fails ends the deployment, and completed batches keep the new version. The additional batch comes first
and is new, so that nothing old was touched where it fails; immutable instances go where one fails.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from localaws.beanstalk.fleet.application import Application
from localaws.beanstalk.fleet.instance import Instance
from localaws.beanstalk.fleet.members import Members
from localaws.beanstalk.running import Deployment, FleetError, Say

Prepared = list[tuple[Instance, Application]]


class Rollout:
    """One deployment. `launch` makes an instance that is no member yet; `check` raises where it must end."""

    def __init__(
        self, members: Members, deployment: Deployment, launch: Callable[[], Instance], say: Say,
        check: Callable[[], None],
    ) -> None:  # fmt: skip
        self._members = members
        self._deployment = deployment
        self._launch = launch
        self._say = say
        self._check = check

    def run(self) -> None:
        """Bring every instance to the deployment. Raises FleetError."""
        existing, policy = self._members.instances, self._deployment.policy
        if not existing:
            self._add(self._deployment.instances)
            return
        self._say("INFO", "Deploying new version to instance(s).")
        if policy == "Immutable":
            self._immutable(existing)
        elif policy == "RollingWithAdditionalBatch":
            self._with_additional_batch(existing)
        elif policy == "Rolling":
            self._in_batches(existing, self._deployment.batch)
            self.resize()
        else:
            self._in_batches(existing, len(existing))
            self.resize()
        self._say("INFO", "New application version was deployed to running EC2 instances.")

    def resize(self) -> None:
        """Launch or terminate as many instances as the deployment's number asks for. Raises FleetError."""
        instances, wanted = self._members.instances, self._deployment.instances
        if len(instances) < wanted:
            self._add(wanted - len(instances))
        elif len(instances) > wanted:
            self._terminate(instances[: len(instances) - wanted])

    def _immutable(self, existing: Sequence[Instance]) -> None:
        self._say(
            "INFO",
            "Immutable deployment policy enabled. Launching one instance with the new settings to verify "
            "health.",
        )
        added: list[Instance] = []
        try:
            added += self._add(1)
            if rest := self._deployment.instances - 1:
                self._say("INFO", "Test instance passed health checks. Launching remaining new instances.")
                added += self._add(rest)
        except BaseException:
            self._terminate(added)
            raise
        self._say("INFO", "Deployment succeeded. Terminating old instances and temporary Auto Scaling group.")
        self._terminate(existing)

    def _with_additional_batch(self, existing: Sequence[Instance]) -> None:
        wanted = self._deployment.instances
        size = max(1, min(self._deployment.batch, wanted))
        self._say("INFO", f"Launching {size} additional instance(s), so that capacity stays as it is.")
        self._add(size)
        kept = existing[: max(0, wanted - size)]
        self._in_batches(kept, size)
        # On AWS these get the version as well, and then as many instances as were added go.
        self._terminate([instance for instance in existing if instance not in kept])
        self.resize()

    def _in_batches(self, instances: Sequence[Instance], size: int) -> None:
        size = max(1, size)
        batches = [instances[start : start + size] for start in range(0, len(instances), size)]
        for number, batch in enumerate(batches, 1):
            ids = ", ".join(instance.id for instance in batch)
            if len(batches) > 1:
                self._say("INFO", f"Batch {number}: Starting application deployment on instance(s) [{ids}].")
            replaced = self._members.switch(self._prepared(batch))
            self._members.drain(replaced)
            _all(Application.stop, replaced)
            if len(batches) > 1:
                self._say("INFO", f"Batch {number}: Completed application deployment on instance(s) [{ids}].")

    def _add(self, count: int) -> list[Instance]:
        launched = [self._launch() for _ in range(count)]
        ids = ", ".join(instance.id for instance in launched)
        self._say("INFO", f"Added instance{'s' if count > 1 else ''} [{ids}] to your environment.")
        try:
            prepared = self._prepared(launched)
        except BaseException:
            _all(_ended, launched)
            raise
        self._members.switch(prepared)
        return launched

    def _terminate(self, instances: Sequence[Instance]) -> None:
        if not instances:
            return
        self._members.drain(self._members.remove(instances))
        _all(Instance.stop, instances)
        ids = ", ".join(instance.id for instance in instances)
        self._say(
            "INFO", f"Removed instance{'s' if len(instances) > 1 else ''} [{ids}] from your environment."
        )

    def _prepared(self, batch: Sequence[Instance]) -> Prepared:
        """Start the deployment on all instances of a batch; where one fails, none of them has it."""
        self._check()
        with ThreadPoolExecutor(max(1, len(batch))) as pool:
            starts = [pool.submit(instance.prepare, self._deployment) for instance in batch]
        failures = [(instance, start.exception()) for instance, start in zip(batch, starts, strict=True)]
        failed = [(instance, error) for instance, error in failures if error is not None]
        self._tell(len(batch) - len(failed), failed)
        if failed:
            _all(Application.stop, [start.result() for start in starts if start.exception() is None])
            raise failed[0][1]
        prepared = [(instance, start.result()) for instance, start in zip(batch, starts, strict=True)]
        try:
            self._check()
        except FleetError:
            _all(Application.stop, [application for _, application in prepared])
            raise
        return prepared

    def _tell(self, successful: int, failed: Sequence[tuple[Instance, BaseException]]) -> None:
        for instance, error in failed:
            self._say("ERROR", "Instance deployment failed. For details, see 'eb-engine.log'.")
            self._say(
                "ERROR",
                f"[Instance: {instance.id}] Command failed on instance. Return code: 1 Output: {error}",
            )
        if failed:
            self._say(
                "INFO",
                "Command execution completed on all instances. "
                f"Summary: [Successful: {successful}, Failed: {len(failed)}].",
            )
            ids = ", ".join(instance.id for instance, _ in failed)
            self._say(
                "ERROR",
                f"Unsuccessful command execution on instance id(s) '{ids}'. Aborting the operation.",
            )


def _ended(instance: Instance) -> None:
    instance.stop(1.0)


def _all(act: Callable[..., None], subjects: Sequence[Instance] | Sequence[Application]) -> None:
    if subjects:
        with ThreadPoolExecutor(len(subjects)) as pool:
            list(pool.map(act, subjects))
