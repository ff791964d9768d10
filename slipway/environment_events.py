"""What Beanstalk tells while CloudFormation waits for an environment: its events, and why it failed."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from slipway.aws import Aws
from slipway.environment_account import beanstalk_checks
from slipway.errors import DeployFailed
from slipway.log_reader import LogReader
from slipway.story import Story
from stacks.settings import ModelSettings, stack_name

_POLL_S, _POLL_AWS_S = 0.5, 5.0
_EVENTS = 50
_FAILING = ("ERROR", "FATAL")
# So many of them make a reason: the first ones say what went wrong, and the others what followed from it.
_TOLD, _LINES = 4, 8
# AWS's words where a pinned platform version has been taken away, or never was.
_NO_PLATFORM = "No Platform named"
_INSTANCE = re.compile(r"\bi-[0-9a-f]{8,17}\b")
# What the container said, and what Beanstalk's program on the instance said of starting it.
_LOGS = ("stdouterr.log", "eb-engine.log")


class _Follower:
    """Reads the events of some applications, each once, and keeps what explains a failure."""

    def __init__(self, aws: Aws, applications: Sequence[str], story: Story) -> None:
        self._beanstalk, self._logs = aws.client("elasticbeanstalk"), aws.client("logs")
        self._applications, self._story = applications, story
        self._known: set[tuple[str, str, str]] = set()
        self._failures: list[str] = []
        self._lines: dict[str, list[str]] = {}
        self._failed: dict[str, set[str]] = {}
        for event in self._new():
            self._known.add(_key(event))

    def look(self) -> None:
        """Tell what is new."""
        for event in self._new():
            self._known.add(_key(event))
            environment, message = str(event.get("EnvironmentName", "")), str(event["Message"])
            severity = str(event.get("Severity", "INFO"))
            about = (environment and f"{environment}:", "" if severity == "INFO" else severity, message)
            self._story.event(" ".join(part for part in about if part))
            if severity in _FAILING:
                self._failures.append(message)
                # At once: a first environment that fails goes, and its log may go with it.
                failed = self._failed.setdefault(environment, set())
                failed.update(_INSTANCE.findall(message))
                if environment and (lines := _last_lines(self._logs, environment, failed)):
                    self._lines[environment] = lines

    def reason(self, known: str) -> str:
        """Return the errors that are not known yet, and the last lines of the logs of their environments."""
        told = [failure for failure in dict.fromkeys(self._failures) if failure not in known][:_TOLD]
        for environment, lines in self._lines.items():
            told += [f"The last lines of the log of {environment}:", *(f"  {line}" for line in lines)]
        return "\n".join(told)

    def _new(self) -> list[Any]:
        found = []
        for application in self._applications:
            try:
                answer = self._beanstalk.describe_events(ApplicationName=application, MaxRecords=_EVENTS)
            except (BotoCoreError, ClientError):
                continue  # there is no application yet, or AWS is asked too often: the next look sees it
            found += [event for event in reversed(answer["Events"]) if _key(event) not in self._known]
        return found


@dataclass(frozen=True)
class _OfInstances:
    """The logs of some instances alone: those that answer may say more than the one that failed."""

    logs: Any
    instances: frozenset[str]

    def filter_log_events(self, **request: Any) -> Mapping[str, Any]:
        """Return a page of a group's events in the order of their times."""
        found: Mapping[str, Any] = self.logs.filter_log_events(
            logStreamNames=sorted(self.instances), **request
        )
        return found


def _last_lines(logs: Any, environment: str, failed: Collection[str]) -> list[str]:
    """Return the last lines of an environment's instances; nothing where their logs are not streamed.

    Args:
        logs: a boto3 client.
        environment: its name.
        failed: the instances to look at; all where none is known.
    """
    prefix = f"/aws/elasticbeanstalk/{environment}/"
    try:
        found = logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
        groups = [group["logGroupName"] for group in found if group["logGroupName"].endswith(_LOGS)]
        client = _OfInstances(logs, frozenset(failed)) if failed else logs
        return [line.message for line in LogReader(client, lambda: groups).last(_LINES)] if groups else []
    except (BotoCoreError, ClientError):
        return []


def _key(event: Any) -> tuple[str, str, str]:
    return str(event["EventDate"]), str(event.get("EnvironmentName")), str(event["Message"])


@contextmanager
def beanstalk_told(aws: Aws, models: Sequence[ModelSettings], story: Story) -> Iterator[None]:
    """Tell the events of the models' environments during a deploy, and add them to the reason of its failure.

    CloudFormation's own text is no more than that an environment did not get ready.

    Raises:
        DeployFailed: the one that was raised within, with the reason.
    """
    asked = [model for model in models if model.serve.on_beanstalk]
    applications = [stack_name(aws.stage.name, model.name) for model in asked]
    if not asked:
        yield
        return
    follower, over = _Follower(aws, applications, story), threading.Event()
    poll_s = _POLL_S if aws.endpoint_url else _POLL_AWS_S

    def follow() -> None:
        while not over.wait(poll_s):
            follower.look()

    thread = threading.Thread(target=follow, name="beanstalk-events", daemon=True)
    thread.start()
    failure: DeployFailed | None = None
    try:
        yield
    except DeployFailed as error:
        failure = error
    finally:
        over.set()
        thread.join()
    if failure is not None:
        follower.look()
        why = "\n".join(part for part in (failure.why, follower.reason(failure.why)) if part)
        checks = beanstalk_checks(aws, asked) if _NO_PLATFORM in why else ()
        mended = [check.fix for check in checks if not check.ok]
        raise type(failure)(failure.what, why=why, fix="\n".join([*mended, failure.fix])) from None
