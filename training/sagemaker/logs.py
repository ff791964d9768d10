"""A job's lines in CloudWatch Logs, of all its machines, each line once."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

TRAINING_GROUP = "/aws/sagemaker/TrainingJobs"
TRANSFORM_GROUP = "/aws/sagemaker/TransformJobs"
# A transform job has a second stream for each machine, which says what became of each file.
DATA_LOG = "data-log"


class JobLogs:
    """Reads the log streams of one job, `<job>/<machine>…`, from where the last reading ended.

    Args:
        client: a boto3 client of `logs`.
        group: the group of all such jobs of the account.
        job: the job's name.
    """

    def __init__(self, client: Any, group: str, job: str) -> None:
        self._client, self._group, self._job = client, group, job
        self._tokens: dict[str, str] = {}

    def new_lines(self) -> list[str]:
        """Return what was logged since the last call; with several machines, whose line it is comes first."""
        found = [(name, line) for name in self._streams() for line in self._read(name)]
        several = len({_machine(name) for name in self._tokens}) > 1
        return [f"[{_machine(name)}] {line}" if several else line for name, line in found]

    def _streams(self) -> list[str]:
        try:
            pages = self._client.get_paginator("describe_log_streams").paginate(
                logGroupName=self._group, logStreamNamePrefix=f"{self._job}/"
            )
            return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return []  # the group comes with the first line of an account's first job
            raise

    def _read(self, stream: str) -> list[str]:
        lines: list[str] = []
        while True:
            token = {"nextToken": self._tokens[stream]} if stream in self._tokens else {}
            page = self._client.get_log_events(
                logGroupName=self._group, logStreamName=stream, startFromHead=True, **token
            )
            lines += [event["message"].rstrip() for event in page["events"]]
            # At the end CloudWatch gives back the very token that it was asked with.
            ended = page["nextForwardToken"] == self._tokens.get(stream)
            self._tokens[stream] = page["nextForwardToken"]
            if ended:
                return lines


def _machine(stream: str) -> str:
    """Return `algo-1` of `<job>/algo-1-1700000000`, and a transform job's instance of its own name."""
    name = stream.split("/")[1]
    return "-".join(name.split("-")[:2])
