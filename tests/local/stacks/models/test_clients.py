"""Any AWS client gets the same answer from the deployed stacks."""

import json
import subprocess
import sys
from pathlib import Path

import botocore.exceptions
import pytest

from client import Client, EndpointNotFound, RequestRefused
from slipway.verify import client_for, replay_golden_rows
from training.artifact import load_artifact

ROOT = Path(__file__).parents[4]
ROWS = "147,6.5,3.0,5.2,2.0|148,6.2,3.4,5.4,2.3|149,5.9,3.0,5.1,1.8"
ENDPOINT = "slipway-local-iris"
ANSWER = ["virginica", "virginica", "virginica"]


def invoke(deployed, body, content_type="text/csv", **headers):
    runtime = deployed.aws.client("sagemaker-runtime")
    return runtime.invoke_endpoint(EndpointName=ENDPOINT, Body=body, ContentType=content_type, **headers)


def refused(deployed, body, content_type="text/csv", **headers):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        invoke(deployed, body, content_type, **headers)
    response = caught.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["LogStreamArn"].endswith(f"/aws/sagemaker/Endpoints/{ENDPOINT}")
    return response["OriginalStatusCode"], json.loads(response["OriginalMessage"])["error"]


@pytest.mark.parametrize("model", ["iris", "breast_cancer", "flats"])
def test_every_model_answers_the_golden_rows_as_in_training(deployed, model):
    artifact = load_artifact(deployed.project.root, model)

    replay = replay_golden_rows(client_for(deployed.aws, model), artifact, latency_calls=3)

    assert (replay.rows, replay.agreement) == (len(artifact.manifest["golden"]["rows"]), 1.0)


def test_boto3_the_aws_cli_and_javascript_get_the_same_answer(deployed, tmp_path):
    env = subprocess.run(
        [sys.executable, "-m", "slipway.main", "env"],
        cwd=deployed.project.root,
        capture_output=True,
        text=True,
    )
    body = tmp_path / "rows.csv"
    body.write_text(ROWS)
    script = (
        f'eval "$ENV"; aws sagemaker-runtime invoke-endpoint --endpoint-name {ENDPOINT} '
        f"--content-type text/csv --body fileb://{body} {tmp_path}/answer.json >/dev/null\n"
        f"cat {tmp_path}/answer.json\necho\n"
        f"node {ROOT}/tests/local/invoke.mjs {ENDPOINT} text/csv '{ROWS}'"
    )

    shown = subprocess.run(
        ["bash", "-ec", script],
        env={
            "ENV": env.stdout,
            "HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin",
            "AWS_PROFILE": "my-real-account",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert shown.returncode == 0, shown.stderr
    answers = [json.loads(line) for line in shown.stdout.split("\n") if line]
    assert answers == [ANSWER, ANSWER]
    assert json.loads(invoke(deployed, ROWS)["Body"].read()) == ANSWER


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "answer"),
    [
        ("6.5,3.0,5.2,2.0", "text/csv", "text/csv", "virginica\n"),
        (
            ROWS.replace("|", "\r\n"),
            "text/csv; charset=utf-8",
            "text/csv;q=0.9, */*;q=0.1",
            "virginica\n" * 3,
        ),
        ("[[6.5,3.0,5.2,2.0]]", "application/json", "application/json", '["virginica"]'),
        (
            '{"instances": [[147,6.5,3.0,5.2,2.0]]}',
            "application/json",
            "*/*",
            '{"predictions": ["virginica"]}',
        ),
    ],
)
def test_the_wire_format_holds_in_the_image(deployed, body, content_type, accept, answer):
    response = invoke(deployed, body, content_type, Accept=accept)

    assert response["Body"].read().decode() == answer
    assert response["InvokedProductionVariant"] == "champion"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code", "row", "column"),
    [
        ("1,2,3,4|1,2,x,4", "text/csv", 400, "not_a_number", 2, "petal_length"),
        ("1,2,3", "text/csv", 400, "wrong_column_count", 1, "petal_width"),
        ("[[1,2,3,NaN]]", "application/json", 400, "not_finite", 1, "petal_width"),
        ("[[1,2,Infinity,4]]", "application/json", 400, "not_finite", 1, "petal_length"),
        ("", "text/csv", 400, "empty_body", None, None),
        ("{", "application/json", 400, "invalid_json", None, None),
        ("x", "image/png", 415, "unsupported_media_type", None, None),
    ],
)
def test_a_wrong_request_is_refused_with_row_and_column(
    deployed, body, content_type, status, code, row, column
):
    received, error = refused(deployed, body, content_type)

    assert (received, error["code"], error.get("row"), error.get("column")) == (status, code, row, column)


def test_an_accept_that_is_not_served_is_a_406(deployed):
    assert refused(deployed, "1,2,3,4", Accept="image/png")[0] == 406


def test_a_body_over_25_mb_is_refused_and_the_endpoint_goes_on(deployed):
    with pytest.raises(botocore.exceptions.ClientError, match=r"ValidationError|413"):
        invoke(deployed, b"1,2,3,4\n" * 3_300_000)

    assert invoke(deployed, "6.5,3.0,5.2,2.0")["Body"].read()


def test_the_client_finds_the_model_by_parameters_and_by_file(deployed):
    by_parameters = client_for(deployed.aws, "iris")
    by_file = Client.from_outputs(
        "iris",
        "local",
        file=deployed.project.root / "outputs.json",
        session=deployed.aws.session,
        endpoint_url=deployed.aws.endpoint_url,
    )

    assert by_parameters.version == by_file.version == load_artifact(deployed.project.root, "iris").version
    assert by_file.predict(
        [{"sepal_length": 6.5, "sepal_width": 3, "petal_length": 5.2, "petal_width": 2}]
    ) == ["virginica"]


def test_the_client_raises_typed_errors(deployed):
    with pytest.raises(RequestRefused) as caught:
        client_for(deployed.aws, "iris").predict([[1, 2, 3, 4], [1, 2, 3]])
    assert (caught.value.code, caught.value.row) == ("wrong_column_count", 2)

    with pytest.raises(EndpointNotFound):
        Client.from_outputs(
            "nobody", "local", session=deployed.aws.session, endpoint_url=deployed.aws.endpoint_url
        )


def test_metrics_and_the_container_log_arrive_where_aws_puts_them(deployed):
    import datetime
    import time

    invoke(deployed, "6.5,3.0,5.2,2.0")
    now = datetime.datetime.now(datetime.UTC)
    deadline = time.monotonic() + 20
    found = {}
    while time.monotonic() < deadline and not all(found.values() or [0]):
        for metric in ("Invocations", "ModelLatency", "OverheadLatency", "Invocation4XXErrors"):
            points = deployed.aws.client("cloudwatch").get_metric_statistics(
                Namespace="AWS/SageMaker",
                MetricName=metric,
                Dimensions=[
                    {"Name": "EndpointName", "Value": ENDPOINT},
                    {"Name": "VariantName", "Value": "champion"},
                ],
                StartTime=now - datetime.timedelta(hours=1),
                EndTime=now + datetime.timedelta(hours=1),
                Period=3600,
                Statistics=["SampleCount"],
            )["Datapoints"]
            found[metric] = sum(point["SampleCount"] for point in points)
        time.sleep(0.2)
    group = f"/aws/sagemaker/Endpoints/{ENDPOINT}"
    streams = deployed.aws.client("logs").describe_log_streams(logGroupName=group)["logStreams"]

    assert all(found.values()), found
    assert streams and streams[0]["logStreamName"].startswith("champion/")
