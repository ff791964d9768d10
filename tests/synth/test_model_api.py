"""Who may call a model's API, what passes the gateway, and what is written down of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft4Validator

from stacks.api_schema import MAX_ROWS, line_schema, table_schema
from stacks.constructs.api_access_logs import FORMAT
from stacks.template_reading import rendered
from tests.synth.apis import ALIAS, CLASSES, NUMBERS, api_template, methods
from tests.synth.harness import SIGNATURE, every, only

READERS = {("GET", "/"), ("GET", "/openapi.json")}
POSTS = {("POST", "/predict"), ("POST", "/classify"), ("POST", "/probabilities")}


@pytest.fixture(scope="module")
def prod() -> dict[str, Any]:
    return api_template("prod")


@pytest.fixture(scope="module")
def keyed() -> dict[str, Any]:
    return api_template("dev", auth="api_key", quota_per_day=1000, throttle_rate=5, throttle_burst=9)


def test_a_classifier_has_three_routes_and_a_page_and_its_description(prod: dict[str, Any]) -> None:
    assert set(methods(prod)) == READERS | POSTS


def test_a_model_of_numbers_only_predicts() -> None:
    assert set(methods(api_template(manifest=NUMBERS))) == READERS | {("POST", "/predict")}


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_every_method_asks_for_a_signature_unless_told_otherwise(stage: str) -> None:
    assert {method["AuthorizationType"] for method in methods(api_template(stage)).values()} == {"AWS_IAM"}


def test_on_this_machine_it_is_open_unless_told_otherwise() -> None:
    assert {m["AuthorizationType"] for m in methods(api_template("local")).values()} == {"NONE"}
    assert {m["AuthorizationType"] for m in methods(api_template("local", auth="iam")).values()} == {
        "AWS_IAM"
    }


def test_every_method_asks_for_the_key_where_there_is_one(keyed: dict[str, Any]) -> None:
    assert {method["ApiKeyRequired"] for method in methods(keyed).values()} == {True}


def test_a_key_has_a_plan_that_slows_down_and_counts(keyed: dict[str, Any]) -> None:
    plan = only(keyed, "AWS::ApiGateway::UsagePlan")["Properties"]
    assert plan["Throttle"] == {"RateLimit": 5, "BurstLimit": 9}
    assert plan["Quota"] == {"Limit": 1000, "Period": "DAY"}
    assert len(plan["ApiStages"]) == 1
    assert only(keyed, "AWS::ApiGateway::UsagePlanKey")["Properties"]["KeyType"] == "API_KEY"
    assert "Value" not in only(keyed, "AWS::ApiGateway::ApiKey")["Properties"]


def test_an_api_without_keys_has_no_plan(prod: dict[str, Any]) -> None:
    assert every(prod, "AWS::ApiGateway::ApiKey") == every(prod, "AWS::ApiGateway::UsagePlan") == []


def test_one_stage_of_one_api_may_run_the_alias_and_no_test_button(prod: dict[str, Any]) -> None:
    permission = only(prod, "AWS::Lambda::Permission")["Properties"]
    assert permission["FunctionName"] == ALIAS
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert rendered(permission["SourceArn"]).endswith(":<AWS::AccountId>:<ApiRest4DEC74FE>/prod/*/*")


def test_the_stage_slows_everybody_down_and_is_traced_without_metrics_that_cost_extra() -> None:
    template = api_template("dev", throttle_rate=7, throttle_burst=11)
    stage = only(template, "AWS::ApiGateway::Stage")["Properties"]
    assert (stage["StageName"], stage["TracingEnabled"]) == ("dev", True)
    (settings,) = stage["MethodSettings"]
    assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (7, 11)
    assert settings["MetricsEnabled"] is False


def test_a_line_of_the_access_log_holds_nothing_that_callers_write_freely(prod: dict[str, Any]) -> None:
    stage = only(prod, "AWS::ApiGateway::Stage")["Properties"]
    assert json.loads(stage["AccessLogSetting"]["Format"]) == FORMAT
    assert FORMAT["request_id"] == "$context.requestId"
    assert not {"$context.path", "$context.identity.userAgent", "$context.identity.apiKey"} & {
        *FORMAT.values()
    }
    (settings,) = stage["MethodSettings"]
    assert (settings["DataTraceEnabled"], settings["LoggingLevel"]) == (False, "OFF")


def test_the_access_log_is_a_group_of_the_stack_s_own(prod: dict[str, Any]) -> None:
    group = prod["Resources"]["ApiAccessLogs50B185DB"]
    assert group["Properties"]["RetentionInDays"] == 365
    # A name of its own would be taken where a late request wrote the group anew after the stack had gone.
    assert "LogGroupName" not in group["Properties"]


def test_everything_of_an_api_goes_with_its_stack(prod: dict[str, Any], keyed: dict[str, Any]) -> None:
    kept = {
        name
        for template in (prod, keyed)
        for name, resource in template["Resources"].items()
        if resource.get("DeletionPolicy") != "Delete"
    }
    assert kept == set()


def test_it_is_regional_and_refuses_old_tls(prod: dict[str, Any]) -> None:
    api = only(prod, "AWS::ApiGateway::RestApi")["Properties"]
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert api["SecurityPolicy"] == "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
    assert api["EndpointAccessMode"] == "BASIC"
    assert api["BinaryMediaTypes"] == ["application/x-npy"]


def test_the_account_s_role_for_logs_is_left_alone(prod: dict[str, Any]) -> None:
    assert every(prod, "AWS::ApiGateway::Account") == every(prod, "AWS::IAM::Role") == []


def test_it_has_no_output_under_a_made_up_name(prod: dict[str, Any]) -> None:
    assert set(prod["Outputs"]) == {"ApiUrl", "ApiAuth"}


def test_errors_and_slowness_ring_by_the_api_s_name(prod: dict[str, Any]) -> None:
    alarms = [alarm["Properties"] for alarm in every(prod, "AWS::CloudWatch::Alarm")]
    assert {alarm["MetricName"] for alarm in alarms} == {"5XXError", "Latency"}
    assert {tuple(sorted((d["Name"], d["Value"]) for d in alarm["Dimensions"])) for alarm in alarms} == {
        (("ApiName", "slipway-prod-iris"), ("Stage", "prod"))
    }


def _deployment(**settings: Any) -> str:
    template = api_template("dev", **settings)
    (name,) = (n for n, r in template["Resources"].items() if r["Type"] == "AWS::ApiGateway::Deployment")
    return name


def test_a_change_is_deployed_and_nothing_else_is() -> None:
    wider = {**CLASSES, "signature": {**SIGNATURE, "features": [*SIGNATURE["features"], {"name": "x"}]}}
    # Of these, nothing but the schema differs.
    without_id = {**CLASSES, "signature": {**SIGNATURE, "id_column": False}}
    found = [
        _deployment(),
        _deployment(manifest=wider),
        _deployment(manifest=without_id),
        _deployment(auth="api_key"),
        _deployment(cors_origins=["https://a.example"]),
        _deployment(manifest=NUMBERS),
    ]
    assert len(set(found)) == len(found)
    assert _deployment() == _deployment(throttle_rate=3) == found[0]


def test_a_deployment_waits_for_all_that_it_holds(prod: dict[str, Any]) -> None:
    held = {"Method", "Model", "GatewayResponse", "RequestValidator"}
    names = {
        name
        for name, resource in prod["Resources"].items()
        if resource["Type"].removeprefix("AWS::ApiGateway::") in held
        or resource["Type"] == "AWS::Lambda::Permission"
    }
    assert names <= set(only(prod, "AWS::ApiGateway::Deployment")["DependsOn"])


def test_every_post_is_validated_by_the_model_of_its_body(prod: dict[str, Any]) -> None:
    schemas = {
        name: resource["Properties"]["Schema"]
        for name, resource in prod["Resources"].items()
        if resource["Type"] == "AWS::ApiGateway::Model"
    }
    for (verb, path), method in methods(prod).items():
        if verb == "POST":
            assert method["RequestValidatorId"] == {"Ref": "ApiRestBody1194D2DA"}
            (schema,) = (schemas[model["Ref"]] for model in method["RequestModels"].values())
            assert schema == (line_schema() if path == "/classify" else table_schema(SIGNATURE))
            assert set(method["RequestModels"]) == {"application/json"}
    assert only(prod, "AWS::ApiGateway::RequestValidator")["Properties"]["ValidateRequestBody"] is True


ROW = [5.1, 3.5]


@pytest.mark.parametrize(
    "body",
    [
        [ROW],
        [],
        [[7, *ROW]],
        [{"sepal_length": 5.1}],
        {"instances": [ROW]},
        {"instances": [{}], "more": 1},
        # What is in a row the model says, which can name row and column.
        [["x", None]],
        [[1]],
        [ROW, {}],
        [ROW] * MAX_ROWS,
    ],
    ids=lambda body: str(body)[:40],
)
def test_a_table_passes_the_gateway_whatever_is_in_its_cells(body: Any) -> None:
    assert Draft4Validator(table_schema(SIGNATURE)).is_valid(body)


@pytest.mark.parametrize(
    "body",
    [
        {},
        "rows",
        1,
        None,
        [1, 2],
        ["5.1,3.5"],
        {"instances": 1},
        {"rows": [ROW]},
        [[1, 2, 3, 4]],
        {"instances": [[1, 2, 3, 4]]},
        [ROW] * (MAX_ROWS + 1),
        {"instances": [ROW] * (MAX_ROWS + 1)},
    ],
    ids=lambda body: str(body)[:40],
)
def test_what_is_no_table_of_this_model_stops_at_the_gateway(body: Any) -> None:
    assert not Draft4Validator(table_schema(SIGNATURE)).is_valid(body)


def test_the_schemas_are_of_draft_4() -> None:
    for schema in (table_schema(SIGNATURE), line_schema(), line_schema(pattern="^[^|]+$")):
        Draft4Validator.check_schema(schema)
        assert schema["$schema"] == "http://json-schema.org/draft-04/schema#"


def test_a_line_is_one_text() -> None:
    validator = Draft4Validator(line_schema())
    assert validator.is_valid({"data": ".10"})
    for body in ({}, {"data": 0.1}, {"data": None}, [".10"], ".10"):
        assert not validator.is_valid(body)


def test_an_open_api_is_announced_at_synth(capfd: pytest.CaptureFixture[str]) -> None:
    api_template("dev", auth="none")
    assert 'auth = "none"' in capfd.readouterr().err
    api_template("local")  # where it is open by itself, on loopback
    assert 'auth = "none"' not in capfd.readouterr().err
