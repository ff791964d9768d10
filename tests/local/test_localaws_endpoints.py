"""SageMaker endpoints as processes: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from localaws.control import ACCOUNT, REGION, LocalAws
from tests.local.conftest import Boto
from tests.local.toy import IMAGE, ROWS, Toy, allow


@pytest.fixture(scope="module")
def good(toy: Toy) -> Iterator[str]:
    yield toy.endpoint("served", "good")
    toy.drop("served")


@pytest.fixture(scope="module")
def echo(toy: Toy) -> Iterator[str]:
    yield toy.endpoint("echo", "echo", OWN="mine")
    toy.drop("echo")


def message(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Message"]


def test_a_model_predicts_through_the_ordinary_client(boto: Boto, good: str) -> None:
    answer = boto("sagemaker-runtime").invoke_endpoint(EndpointName=good, Body=ROWS, ContentType="text/csv")

    assert json.loads(answer["Body"].read()) == [0, 2]
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == good


def test_accept_chooses_the_type_of_the_answer(boto: Boto, good: str) -> None:
    runtime = boto("sagemaker-runtime")

    answer = runtime.invoke_endpoint(EndpointName=good, Body=ROWS, ContentType="text/csv", Accept="text/csv")

    assert answer["Body"].read() == b"0\n2\n"


def test_only_headers_of_the_api_reach_the_container(boto: Boto, echo: str) -> None:
    answer = boto("sagemaker-runtime").invoke_endpoint(
        EndpointName=echo, Body=b"x", ContentType="text/plain", Accept="application/json", InferenceId="abc-1"
    )

    told = json.loads(answer["Body"].read())
    names = {name.lower() for name in told["headers"]}
    assert names == {"host", "content-type", "content-length", "accept", "x-amzn-sagemaker-inference-id"}
    assert (told["type"], told["accept"], told["own"]) == ("text/plain", "application/json", "mine")


def test_the_model_folder_is_read_only_and_below_opt_ml(boto: Boto, echo: str, local_aws: LocalAws) -> None:
    body = boto("sagemaker-runtime").invoke_endpoint(EndpointName=echo, Body=b"x")["Body"].read()

    folder = json.loads(body)["model_dir"]
    assert folder.endswith("/opt/ml/model")
    modes = [path.stat().st_mode & 0o222 for path in local_aws.state.fleets.glob("echo-*/opt/ml/model/**/*")]
    assert modes
    assert not any(modes)


@pytest.mark.parametrize(("status", "side"), [(400, "client"), (418, "client"), (503, "server")])
def test_an_error_of_the_model_is_a_model_error_with_its_status(
    boto: Boto, echo: str, status: int, side: str
) -> None:
    with pytest.raises(ClientError) as error:
        boto("sagemaker-runtime").invoke_endpoint(EndpointName=echo, Body=b"x", CustomAttributes=str(status))

    response = error.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["Error"]["Code"] == "ModelError"
    assert message(error).startswith(f"Received {side} error ({status}) from primary with message")
    assert response["OriginalStatusCode"] == status
    assert (
        response["LogStreamArn"] == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/echo"
    )


def test_a_body_over_25_mb_is_refused_before_the_model_sees_it(boto: Boto, echo: str) -> None:
    with pytest.raises(ClientError) as error:
        boto("sagemaker-runtime").invoke_endpoint(EndpointName=echo, Body=b"0" * (25 * 1024 * 1024 + 1))

    assert "26214400" in message(error)


def test_a_body_of_25_mb_passes(boto: Boto, echo: str) -> None:
    answer = boto("sagemaker-runtime").invoke_endpoint(EndpointName=echo, Body=b"0" * (25 * 1024 * 1024))

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_container_writes_its_log_under_the_roles_rights(boto: Boto, good: str) -> None:
    boto("sagemaker-runtime").invoke_endpoint(EndpointName=good, Body=ROWS, ContentType="text/csv")
    logs, group = boto("logs"), f"/aws/sagemaker/Endpoints/{good}"

    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        found = logs.filter_log_events(logGroupName=group, filterPattern='"rows: 2"')["events"]
        if found:
            break
        time.sleep(0.1)

    assert found
    assert found[0]["logStreamName"].startswith(f"{good}/i-")


def test_invocations_and_their_errors_reach_cloudwatch_and_its_alarms(boto: Boto, echo: str) -> None:
    cloudwatch = boto("cloudwatch")
    dimensions = [{"Name": "EndpointName", "Value": echo}, {"Name": "VariantName", "Value": echo}]
    cloudwatch.put_metric_alarm(
        AlarmName="model-errors", Namespace="AWS/SageMaker", MetricName="Invocation5XXErrors",
        Dimensions=dimensions,
        Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="notBreaching",
    )  # fmt: skip
    with pytest.raises(ClientError):
        boto("sagemaker-runtime").invoke_endpoint(EndpointName=echo, Body=b"x", CustomAttributes="500")

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        state = cloudwatch.describe_alarms(AlarmNames=["model-errors"])["MetricAlarms"][0]["StateValue"]
        if state == "ALARM":
            break
        time.sleep(0.2)

    cloudwatch.delete_alarms(AlarmNames=["model-errors"])
    listed = cloudwatch.list_metrics(Namespace="AWS/SageMaker", Dimensions=dimensions)["Metrics"]
    assert state == "ALARM"
    assert {metric["MetricName"] for metric in listed} == {
        "Invocations", "ModelLatency", "OverheadLatency", "Invocation4XXErrors", "Invocation5XXErrors",
    }  # fmt: skip


def test_weights_share_the_traffic_and_weight_zero_gets_none_unless_named(boto: Boto, toy: Toy) -> None:
    for name in ("heavy", "light", "unused"):
        toy.model(name, "echo")
    toy.config("shared", {"heavy": 3.0, "light": 1.0, "unused": 0.0})
    toy.sagemaker.create_endpoint(EndpointName="shared", EndpointConfigName="shared")
    assert toy.settled("shared")["EndpointStatus"] == "InService"
    runtime = boto("sagemaker-runtime")

    def variant(**target: str) -> str:
        return runtime.invoke_endpoint(EndpointName="shared", Body=b"x", **target)["InvokedProductionVariant"]

    counts = Counter(variant() for _ in range(400))

    assert counts["unused"] == 0
    assert 0.65 < counts["heavy"] / 400 < 0.85
    assert variant(TargetVariant="unused") == "unused"
    with pytest.raises(ClientError) as error:
        variant(TargetVariant="nobody")
    assert "Variant nobody not found" in message(error)
    toy.drop("shared", "heavy", "light", "unused")


def test_a_model_server_that_dies_is_started_again(boto: Boto, toy: Toy, local_aws: LocalAws) -> None:
    name = toy.endpoint("revived", "echo")
    runtime = boto("sagemaker-runtime")
    [server] = [
        process.pid
        for process in local_aws.inventory().processes
        if "fleets/revived-" in process.command and "guard.py" in process.command
    ]

    os.killpg(server, signal.SIGKILL)
    with pytest.raises(ClientError) as error:
        runtime.invoke_endpoint(EndpointName=name, Body=b"x")

    assert error.value.response["Error"]["Code"] == "ServiceUnavailable"
    deadline, status = time.monotonic() + 15, None
    while status != 200 and time.monotonic() < deadline:
        try:
            status = runtime.invoke_endpoint(EndpointName=name, Body=b"x")["ResponseMetadata"][
                "HTTPStatusCode"
            ]
        except ClientError:
            time.sleep(0.1)
    toy.drop(name)
    assert status == 200


def test_a_role_without_read_access_cannot_make_a_model(toy: Toy) -> None:
    role = toy.make_role("no-read", [allow(["logs:*"], "*")])

    with pytest.raises(ClientError) as error:
        toy.model("unreadable", "good", role)

    toy.drop_role("no-read")
    assert message(error).startswith(
        f"Could not access model data at s3://{toy.bucket}/good.gz. Please ensure"
    )
    assert role in message(error)


def test_a_missing_archive_reads_like_a_missing_right(toy: Toy) -> None:
    with pytest.raises(ClientError) as error:
        toy.model("absent", "absent")

    assert message(error).startswith(f"Could not access model data at s3://{toy.bucket}/absent.gz.")


@pytest.mark.parametrize(
    ("condition", "trusted"),
    [
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringEquals": {"aws:SourceAccount": "111122223333"}}, False),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:*"}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:*"}}, False),
    ],
)
def test_conditions_of_the_trust_policy_meet_real_values(
    toy: Toy, condition: dict[str, object], trusted: bool
) -> None:
    role = toy.make_role("conditional", [allow(["s3:GetObject"], "*")], condition)

    try:
        toy.model("conditional", "good", role)
        toy.drop("conditional")
        accepted = True
    except ClientError:
        accepted = False

    toy.drop_role("conditional")
    assert accepted == trusted


def test_an_image_that_cannot_run_here_is_named_with_those_that_can(toy: Toy) -> None:
    with pytest.raises(ClientError) as error:
        toy.sagemaker.create_model(
            ModelName="foreign", ExecutionRoleArn=toy.role,
            PrimaryContainer={"Image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/unknown:1"},
        )  # fmt: skip

    assert "unknown:1 cannot run on the embedded AWS" in message(error)
    assert IMAGE.rpartition("/")[2] in message(error)


def test_unknown_names_and_second_creates_answer_as_sagemaker_does(toy: Toy, good: str) -> None:
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:"
    with pytest.raises(ClientError) as unknown:
        toy.sagemaker.describe_endpoint(EndpointName="nobody")
    with pytest.raises(ClientError) as twice:
        toy.sagemaker.create_endpoint(EndpointName=good, EndpointConfigName=good)
    with pytest.raises(ClientError) as pattern:
        toy.sagemaker.describe_model(ModelName="not_a_name")

    assert unknown.value.response["Error"]["Code"] == "ValidationException"
    assert message(unknown) == f'Could not find endpoint "{arn}endpoint/nobody".'
    assert message(twice) == f'Cannot create already existing endpoint "{arn}endpoint/{good}".'
    assert "failed to satisfy constraint" in message(pattern)


def test_tags_are_kept_listed_and_removed(toy: Toy, good: str) -> None:
    arn = toy.sagemaker.describe_endpoint(EndpointName=good)["EndpointArn"]
    toy.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    toy.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])

    assert toy.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_waiters_of_boto3_see_an_endpoint_come_and_go(boto: Boto, toy: Toy) -> None:
    toy.model("waited", "good")
    toy.config("waited", {"waited": 1.0})
    toy.sagemaker.create_endpoint(EndpointName="waited", EndpointConfigName="waited")
    toy.sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="waited", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    toy.sagemaker.delete_endpoint(EndpointName="waited")
    toy.sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName="waited", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    toy.drop("waited")


def test_a_role_without_log_rights_serves_but_leaves_no_log(boto: Boto, toy: Toy) -> None:
    role = toy.make_role("silent", [allow(["s3:GetObject"], "*")])
    toy.model("silent", "good", role)
    toy.config("silent", {"silent": 1.0})
    toy.sagemaker.create_endpoint(EndpointName="silent", EndpointConfigName="silent")
    assert toy.settled("silent")["EndpointStatus"] == "InService"

    time.sleep(1)
    groups = boto("logs").describe_log_groups(logGroupNamePrefix="/aws/sagemaker/Endpoints/silent")[
        "logGroups"
    ]

    toy.drop("silent")
    toy.drop_role("silent")
    assert groups == []
