"""iris with an API in front of its endpoint: no function in between, and the errors in the one shape."""

from __future__ import annotations

import json

import pytest

from client import RequestRefused
from model_code.serving.doors.page import HEADERS as HEADERS_OF_PAGE
from slipway.deployment import FRONT_DOOR
from slipway.verify import client_for
from tests.local.api import Api

HEADERS = {"Content-Type": "application/json"}
ROW = "[[6.5, 3.0, 5.2, 2.0]]"


@pytest.fixture(scope="module")
def door(deployed):
    """iris with its API; the golden rows have gone through both doors."""
    replays = deployed.redeploy("iris", **{"iris.serve.front_door": "true"})
    assert {name: (replay.door, replay.agreement) for name, replay in replays.items()} == {
        "champion": ("SageMaker Runtime", 1.0),
        FRONT_DOOR: ("API Gateway", 1.0),
    }
    yield Api(deployed.aws.outputs("iris")["ApiUrl"])
    deployed.redeploy("iris")
    assert "ApiUrl" not in deployed.aws.outputs("iris")


def test_no_function_stands_in_between(deployed, door):
    resources = deployed.aws.client("cloudformation").list_stack_resources(StackName="slipway-local-iris")
    kinds = {item["ResourceType"] for item in resources["StackResourceSummaries"]}

    assert "AWS::ApiGateway::RestApi" in kinds
    assert "AWS::Lambda::Permission" not in kinds


def test_both_doors_give_the_same_answer(deployed, door):
    rows = json.loads(ROW)

    assert client_for(deployed.aws, "iris").door.name == "SageMaker Runtime"
    assert client_for(deployed.aws, "iris", "api").predict(rows) == client_for(deployed.aws, "iris").predict(
        rows
    )
    assert door.send("POST", "predict", ROW, HEADERS).json == ["virginica"]


def test_the_models_refusal_comes_through_with_row_and_column(deployed, door):
    answer = door.send("POST", "predict", '[[1, 2, 3, 4], [1, 2, "x", 4]]', HEADERS)

    error = answer.json["error"]
    assert (answer.status, error["code"]) == (400, "not_a_number")
    assert (error["row"], error["column"]) == (2, "petal_length")
    with pytest.raises(RequestRefused) as caught:
        client_for(deployed.aws, "iris", "api").predict([[1, 2, "x", 4]])
    assert (caught.value.row, caught.value.column) == (1, "petal_length")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("{", "application/json", 400),
        ("[[1, 2, 3, 4, 5, 6, 7]]", "application/json", 400),
        (ROW, "image/png", 415),
    ],
)
def test_what_the_gateway_refuses_has_the_same_shape(door, body, content_type, status):
    answer = door.send("POST", "predict", body, {"Content-Type": content_type})

    assert answer.status == status, answer.body
    assert set(answer.json) == {"error"} and answer.json["error"]["message"]


def test_classify_is_one_row_as_text_and_one_class(door):
    answer = door.send("POST", "classify", '{"data": "6.5,3.0,5.2,2.0"}', HEADERS)
    assert (answer.status, answer.body) == (200, b'{"prediction": "virginica"}')
    other = door.send(
        "POST", "classify", '{"data": "6.5,3.0,5.2,2.0"}', HEADERS | {"Accept": "application/x-npy"}
    )
    assert (other.status, other.body) == (200, answer.body)

    wrong = door.send("POST", "classify", '{"data": "6.5,3.0,x,2.0"}', HEADERS)
    assert (wrong.status, wrong.json["error"]["column"]) == (400, "petal_length")
    for body, content_type, status in (
        ('{"data": "6.5,3.0,5.2,2.0|1,2,3,4"}', "application/json", 400),
        ("6.5,3.0,5.2,2.0", "text/csv", 415),
    ):
        refused = door.send("POST", "classify", body, {"Content-Type": content_type})
        assert refused.status == status, refused.body
        assert refused.json["error"]["request_id"]


def test_rows_of_csv_and_what_a_caller_accepts_pass_as_they_are(door):
    types = {"Content-Type": "text/csv", "Accept": "text/csv"}
    answer = door.send("POST", "predict", "6.5,3.0,5.2,2.0\n5.1,3.5,1.4,0.2\n", types)
    assert (answer.status, answer.body) == (200, b"virginica\nsetosa\n")


def test_the_description_and_the_page_are_there(door):
    described = door.send("GET", "openapi.json")

    assert described.status == 200
    assert set(described.json["paths"]) == {"/", "/classify", "/openapi.json", "/predict"}
    page = door.send("GET", "")
    assert page.status == 200 and page.body.startswith(b"<!doctype html>")
    for name, value in HEADERS_OF_PAGE.items():
        assert page.headers[name] == value


def test_an_endpoint_that_is_gone_is_told_in_the_one_shape(deployed, door):
    sagemaker = deployed.aws.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName="slipway-local-iris")["EndpointConfigName"]
    often = {"Delay": 1, "MaxAttempts": 60}
    sagemaker.delete_endpoint(EndpointName="slipway-local-iris")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="slipway-local-iris", WaiterConfig=often)
    try:
        answer = door.send("POST", "predict", ROW, HEADERS)
    finally:
        sagemaker.create_endpoint(EndpointName="slipway-local-iris", EndpointConfigName=config)
        sagemaker.get_waiter("endpoint_in_service").wait(
            EndpointName="slipway-local-iris", WaiterConfig=often
        )

    error = answer.json["error"]
    assert answer.status >= 500 and error["request_id"]
    assert "slipway-local-iris" not in error["message"], "how things are inside is nobody's business"
