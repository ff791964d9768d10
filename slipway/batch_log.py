"""What a transform job's data log says of the files that have no output."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from botocore.exceptions import ClientError

from training.sagemaker.logs import DATA_LOG, TRANSFORM_GROUP
from training.sagemaker.place import Place

_OF_A_FILE = re.compile(r"\[sagemaker logs\]: (?P<file>[^ :]+/[^:]*):(?P<text>.*)")
_HEADING = "Message:"
_LOG_EVENTS = 100


def telling(data_log: Sequence[str]) -> list[str]:
    """Return what a data log says of files that have no output, the file's name once in front of it all.

    Its lines are `[sagemaker logs]: <bucket>/<key>: <text>`, and one without a file, of how they were sent.
    """
    by_file: dict[str, list[str]] = {}
    for line in data_log:
        match = _OF_A_FILE.match(line)
        if match is None:
            continue
        file, text = match["file"].rpartition("/")[2], match["text"].strip()
        if text and text != _HEADING:
            by_file.setdefault(file, []).append(_message(text))
    return [f"{file}: {'; '.join(texts)}" for file, texts in by_file.items()]


def _message(text: str) -> str:
    """Return the words of an error body of ours, and any other text as it is."""
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text


def data_log_of(place: Place, job: str) -> list[str]:
    """Return what the job says of each file."""
    logs = place.client("logs")
    try:
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName=TRANSFORM_GROUP, logStreamNamePrefix=f"{job}/"
        )
        names = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        return [
            event["message"].rstrip()
            for name in names
            if name.endswith(f"/{DATA_LOG}")
            for event in logs.get_log_events(
                logGroupName=TRANSFORM_GROUP, logStreamName=name, startFromHead=False, limit=_LOG_EVENTS
            )["events"]
        ]
    except ClientError:
        return []
