"""What `slipway destroy` takes of the log groups that all of an account's jobs share."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from slipway.job_removal import delete_job_logs
from training.sagemaker.logs import TRAINING_GROUP, TRANSFORM_GROUP

OURS, OTHERS = "slipway-dev-iris-0123456789ab/algo-1", "somebody-else/algo-1"


class Logs:
    """CloudWatch Logs with two groups, as far as a destroy asks it."""

    def __init__(self, streams, settings=None, filters=()):
        self.groups = {TRAINING_GROUP: list(streams), TRANSFORM_GROUP: []}
        self.settings, self.filters = settings or {}, list(filters)

    def get_paginator(self, _):
        return self

    def paginate(self, *, logGroupName, logStreamNamePrefix):  # noqa: N803 - boto3's names
        found = [name for name in self.groups[logGroupName] if name.startswith(logStreamNamePrefix)]
        return [{"logStreams": [{"logStreamName": name} for name in found]}]

    def describe_log_streams(self, *, logGroupName, limit):  # noqa: N803 - boto3's name
        return {"logStreams": self.groups[logGroupName][:limit]}

    def describe_log_groups(self, *, logGroupNamePrefix):  # noqa: N803 - boto3's name
        return {"logGroups": [{"logGroupName": logGroupNamePrefix, **self.settings}]}

    def describe_subscription_filters(self, **_):
        return {"subscriptionFilters": self.filters}

    def delete_log_stream(self, *, logGroupName, logStreamName):  # noqa: N803 - boto3's names
        self.groups[logGroupName].remove(logStreamName)

    def delete_log_group(self, *, logGroupName):  # noqa: N803 - boto3's name
        del self.groups[logGroupName]


def left(logs):
    aws = SimpleNamespace(stage=SimpleNamespace(name="dev"), client=lambda _: logs)
    assert delete_job_logs(aws, ["iris"]) == 1
    return logs.groups


def test_a_group_that_held_our_jobs_alone_goes_with_them():
    assert left(Logs([OURS], {"metricFilterCount": 0})) == {TRANSFORM_GROUP: []}


def test_the_logs_of_others_and_their_group_stay():
    assert left(Logs([OURS, OTHERS])) == {TRAINING_GROUP: [OTHERS], TRANSFORM_GROUP: []}


@pytest.mark.parametrize(
    ("settings", "filters"),
    [
        ({"retentionInDays": 30}, ()),
        ({"kmsKeyId": "key"}, ()),
        ({"metricFilterCount": 1}, ()),
        ({}, ["to a stream"]),
    ],
)
def test_a_group_that_somebody_set_up_stays_though_it_is_empty(settings, filters):
    assert left(Logs([OURS], settings, filters)) == {TRAINING_GROUP: [], TRANSFORM_GROUP: []}
