"""Keys, plans, throttles and web ACLs of local REST APIs, and what each request leaves behind."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from localaws.control import LocalAws
from tests.local.api import Api, deploy, destroy, function, method, proxy, template
from tests.local.api_limited import CODE, GROUP, STACK, body, key, plan
from tests.local.conftest import Boto


@pytest.fixture(scope="module")
def api(boto: Boto) -> Iterator[Api]:
    yield deploy(boto, STACK, body(5000))
    destroy(boto, STACK)


def value(boto: Boto, name: str) -> tuple[str, str]:
    """Return a key's id and value."""
    resource = boto("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId=name)
    key_id = resource["StackResourceDetail"]["PhysicalResourceId"]
    return key_id, boto("apigateway").get_api_key(apiKey=key_id, includeValue=True)["value"]


def logged(boto: Boto, request_id: str) -> dict[str, str]:
    """Return the line of one request, which comes within a second or two."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        events = boto("logs").filter_log_events(logGroupName=GROUP)["events"]
        for event in events:
            if request_id in event["message"]:
                line: dict[str, str] = json.loads(event["message"])
                return line
        time.sleep(0.1)
    raise AssertionError(f"no line of {request_id}")


@pytest.mark.parametrize("name", ["", "wrong", "Off", "Unplanned"])
def test_a_missing_wrong_disabled_or_unplanned_key_is_403(api: Api, boto: Boto, name: str) -> None:
    headers = {"x-api-key": value(boto, name)[1] if name in ("Off", "Unplanned") else name} if name else {}

    answer = api.send("GET", "keyed", headers=headers)

    assert (answer.status, answer.json) == (403, {"message": "Forbidden"})
    assert answer.headers["x-amzn-ErrorType"] == "ForbiddenException"


def test_a_key_of_a_plan_passes_and_is_named_in_the_access_log_without_its_value(
    api: Api, boto: Boto
) -> None:
    key_id, secret = value(boto, "Good")

    answer = api.send("GET", "keyed", headers={"X-API-Key": secret})
    line = logged(boto, answer.headers["x-amzn-RequestId"])

    assert answer.status == 200
    assert line["key"] == key_id
    assert secret not in json.dumps(line)


def test_a_plans_burst_and_quota_are_429(api: Api, boto: Boto) -> None:
    quick, few = ({"x-api-key": value(boto, name)[1]} for name in ("Quick", "Few"))

    burst = [api.send("GET", "keyed", headers=quick) for _ in range(5)]
    quota = [api.send("GET", "keyed", headers=few) for _ in range(3)]

    assert [answer.status for answer in burst] == [200, 200, 200, 429, 429]
    assert burst[-1].json == {"message": "Too Many Requests"}
    assert [answer.status for answer in quota] == [200, 200, 429]
    assert quota[-1].json == {"message": "Limit Exceeded"}


def test_the_throttle_of_a_method_holds_under_64_connections(api: Api) -> None:
    with ThreadPoolExecutor(64) as pool:
        started = time.monotonic()
        statuses = Counter(pool.map(lambda _: api.send("GET", "slow").status, range(128)))
        took = time.monotonic() - started

    assert set(statuses) == {200, 429}
    assert 10 <= statuses[200] <= 10 + took + 1


def test_an_answered_request_is_one_line_with_every_variable(api: Api, boto: Boto) -> None:
    answer = api.send("GET", "open?token=secret", headers={"User-Agent": 'an "agent"'})
    line = logged(boto, answer.headers["x-amzn-RequestId"])

    assert line["status"] == "200"
    assert (line["method"], line["resource"], line["path"]) == ("GET", "/open", "/local/open")
    assert (line["ip"], line["agent"], line["length"]) == ("127.0.0.1", 'an "agent"', "2")
    assert line["integrationStatus"] == "200"
    assert int(line["latency"]) >= int(line["integration"]) >= 0
    assert (line["error"], line["user"], line["type"]) == ("-", "-", "-")
    assert line["waf"] == "WAF_ALLOW"
    assert time.strptime(line["time"], "%d/%b/%Y:%H:%M:%S +0000")


def test_a_refused_request_is_one_line_that_says_why(api: Api, boto: Boto) -> None:
    answer = api.send("GET", "nowhere")
    line = logged(boto, answer.headers["x-amzn-RequestId"])

    assert line["status"] == "403"
    assert (line["error"], line["type"]) == ("Missing Authentication Token", "MISSING_AUTHENTICATION_TOKEN")
    assert (line["resource"], line["integration"]) == ("-", "-")


def test_metrics_count_requests_and_errors_by_api_and_stage(api: Api, boto: Boto) -> None:
    names = [{"Name": "ApiName", "Value": STACK}]

    def total(metric: str, dimensions: list[dict[str, str]]) -> float:
        points = boto("cloudwatch").get_metric_statistics(
            Namespace="AWS/ApiGateway", MetricName=metric, Dimensions=dimensions, Period=3600,
            StartTime=time.time() - 7200, EndTime=time.time() + 3600, Statistics=["Sum"],
        )["Datapoints"]  # fmt: skip
        return float(sum(point["Sum"] for point in points))

    before = total("Count", names), total("4XXError", names)
    for path in ("open", "open", "nowhere"):
        api.send("GET", path)
    deadline = time.monotonic() + 10
    while total("Count", names) < before[0] + 3:
        assert time.monotonic() < deadline
        time.sleep(0.1)

    assert total("4XXError", names) == before[1] + 1
    assert total("5XXError", names) == 0
    assert total("Latency", [*names, {"Name": "Stage", "Value": "local"}]) > 0
    assert total("IntegrationLatency", names) > 0


def test_a_web_acl_blocks_an_address_above_its_rate(api: Api, boto: Boto) -> None:
    deploy(boto, STACK, body(10))

    blocked = [api.send("GET", "open") for _ in range(11)][-1]
    line = logged(boto, blocked.headers["x-amzn-RequestId"])

    assert (blocked.status, blocked.json) == (403, {"message": "Forbidden"})
    assert (line["type"], line["waf"]) == ("WAF_FILTERED", "WAF_BLOCK")
    deploy(boto, STACK, body(5000))
    assert api.send("GET", "open").status == 200


def test_the_inventory_names_what_an_api_is_made_of(api: Api, local_aws: LocalAws) -> None:
    kinds = Counter((entry.service, entry.kind) for entry in local_aws.inventory().resources)

    assert kinds["apigateway", "rest-api"] == 1
    assert kinds["apigateway", "api-key"] == 5
    assert kinds["apigateway", "usage-plan"] == 3
    assert kinds["wafv2", "web-acl"] == 1


def test_nothing_is_left_after_the_stack(boto: Boto, local_aws: LocalAws) -> None:
    before = {(entry.service, entry.kind, entry.name) for entry in local_aws.inventory().resources}
    other = template(function(CODE), method("open", "GET", proxy()), key("Good"), plan("Plan", ("Good",)))
    deploy(boto, "gone", other)

    destroy(boto, "gone")

    left = {(entry.service, entry.kind, entry.name) for entry in local_aws.inventory().resources} - before
    assert {entry for entry in left if entry[0] in ("apigateway", "wafv2")} == set()


def test_a_role_of_the_account_that_may_not_write_logs_writes_none(api: Api, boto: Boto) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = boto("iam").create_role(
        RoleName="no-logs",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    change = {"op": "replace", "path": "/cloudwatchRoleArn"}
    boto("apigateway").update_account(patchOperations=[{**change, "value": role}])
    try:
        answer = api.send("GET", "open")
        time.sleep(1.5)
        events = boto("logs").filter_log_events(logGroupName=GROUP)["events"]
    finally:
        boto("apigateway").update_account(patchOperations=[{"op": "remove", "path": "/cloudwatchRoleArn"}])
        boto("iam").delete_role(RoleName="no-logs")

    assert answer.status == 200
    assert not [event for event in events if answer.headers["x-amzn-RequestId"] in event["message"]]


def test_a_late_line_does_not_make_a_log_group_again(api: Api, boto: Boto) -> None:
    boto("logs").delete_log_group(logGroupName=GROUP)

    answer = api.send("GET", "open")
    time.sleep(1.5)
    groups = boto("logs").describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]
    boto("logs").create_log_group(logGroupName=GROUP)

    assert (answer.status, groups) == (200, [])
