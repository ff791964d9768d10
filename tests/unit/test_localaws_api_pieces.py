"""Parts of the embedded API Gateway that need no server: routes, errors, limits and logs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from localaws.apigateway import access_log, gateway_responses, routing
from localaws.apigateway.errors import GatewayError, failed, missing_token
from localaws.apigateway.exchange import Exchange
from localaws.apigateway.integrations.lambda_event import event_of
from localaws.apigateway.request import Answer, Request
from localaws.apigateway.stage import Deployment, Json, Route, Stage
from localaws.apigateway.throttling import Throttle
from localaws.apigateway.waf import Firewall
from localaws.ports import Scope

SCOPE = Scope("000000000000", "us-east-1")
LIMITS = {"methodSettings": {"*/*": {"throttlingRateLimit": 0.001, "throttlingBurstLimit": 2}}}


def resource(path: str, *methods: str) -> Json:
    return {"id": path, "path": path, "resourceMethods": {name: {"httpMethod": name} for name in methods}}


def deployment(*resources: Json, **responses: Json) -> Deployment:
    return Deployment("d", {"id": "a"}, {entry["id"]: entry for entry in resources}, {}, {}, responses)


def stage(settings: Json | None = None, acl: Json | None = None, **responses: Json) -> Stage:
    return Stage("dev", "a", deployment(**responses), settings or {}, SCOPE, acl)


def request(path: str = "/p", **members: Any) -> Request:
    given = {"headers": (), "query_string": "", "body": b"", "source_ip": "10.0.0.1", **members}
    return Request("a", "dev", "POST", path, **given)


PATHS = deployment(
    resource("/", "GET"),
    resource("/{proxy+}", "ANY"),
    resource("/models/{name}", "GET"),
    resource("/models/iris", "GET"),
    resource("/models/iris/{deep+}", "POST"),
)


@pytest.mark.parametrize(
    ("method", "path", "found", "named"),
    [
        ("GET", "/", "/", {}),
        ("GET", "/models/iris", "/models/iris", {}),
        ("GET", "/models/iris/", "/models/iris", {}),
        ("GET", "/models/wine", "/models/{name}", {"name": "wine"}),
        ("POST", "/models/iris/a/b", "/models/iris/{deep+}", {"deep": "a/b"}),
        ("PUT", "/models/iris", "/{proxy+}", {"proxy": "models/iris"}),
        ("GET", "/other", "/{proxy+}", {"proxy": "other"}),
    ],
)
def test_the_most_specific_path_with_the_method_answers(
    method: str, path: str, found: str, named: dict[str, str]
) -> None:
    route = routing.route(PATHS, method, path)

    assert route is not None
    assert (route.resource["path"], route.path_parameters) == (found, named)


def test_no_path_with_the_method_is_no_route() -> None:
    assert routing.route(deployment(resource("/open", "GET")), "POST", "/open") is None


def rendered(error: GatewayError, **responses: Json) -> Answer:
    return gateway_responses.rendered(error, Exchange(request(), stage(**responses)))


def test_an_error_without_words_of_the_author_has_those_of_the_service() -> None:
    answer = rendered(missing_token())

    assert (answer.status, answer.body) == (403, b'{"message":"Missing Authentication Token"}')


def test_a_family_stands_for_every_type_and_a_status_of_its_own_for_all_of_them() -> None:
    family = {"responseTemplates": {"application/json": "$context.error.responseType"}}

    assert rendered(failed("x"), DEFAULT_5XX=family).status == 502
    assert rendered(missing_token(), DEFAULT_4XX={**family, "statusCode": "418"}).status == 418
    assert rendered(missing_token(), DEFAULT_4XX=family).body == b"MISSING_AUTHENTICATION_TOKEN"


def test_a_type_of_its_own_comes_before_its_family() -> None:
    own = {"statusCode": "404", "responseTemplates": {"text/plain": "own ${context.error.message}"}}
    answer = rendered(missing_token(), MISSING_AUTHENTICATION_TOKEN=own, DEFAULT_4XX={"statusCode": "418"})

    assert (answer.status, answer.body) == (404, b"own Missing Authentication Token")
    assert ("Content-Type", "text/plain") in answer.headers


class OneKey:
    """Keys: one key, in one plan."""

    def __init__(self, plan: Json) -> None:
        self._plan = {"id": "plan", **plan}

    def find(self, value: str, stage: Stage) -> Json | None:
        return {"id": "key", "value": value, "enabled": value != "off"}

    def plans(self, key_id: str, stage: Stage) -> Sequence[Json]:
        return (self._plan,)


ROUTE = Route(resource("/p", "POST"), {"httpMethod": "POST"}, {})


def test_a_request_that_one_limit_refuses_takes_nothing_from_another() -> None:
    throttle = Throttle(OneKey({"quota": {"limit": 3, "period": "DAY"}}))
    key = {"id": "key"}
    limited, free = stage(LIMITS), stage()
    for _ in range(2):
        throttle.take(limited, ROUTE, key)

    with pytest.raises(GatewayError, match="Too Many Requests"):
        throttle.take(limited, ROUTE, key)
    throttle.take(free, ROUTE, key)  # the third of the day: the refused one was none
    with pytest.raises(GatewayError, match="Limit Exceeded"):
        throttle.take(free, ROUTE, key)


def test_a_disabled_key_is_none() -> None:
    with pytest.raises(GatewayError) as error:
        Throttle(OneKey({})).key("off", stage())

    assert error.value.response_type == "INVALID_API_KEY"


def acl(limit: int) -> Json:
    rate = {"RateBasedStatement": {"Limit": limit, "AggregateKeyType": "IP"}}
    rule = {"Name": "rate", "Statement": rate, "Action": {"Block": {}}}
    return {"ARN": "arn", "DefaultAction": {"Allow": {}}, "Rules": [rule]}


def test_a_rate_counts_each_address_for_itself() -> None:
    firewall, guarded = Firewall(), stage(acl=acl(2))
    for _ in range(2):
        firewall.check(guarded, request())

    with pytest.raises(GatewayError) as error:
        firewall.check(guarded, request())
    assert error.value.response_type == "WAF_FILTERED"
    firewall.check(guarded, request(source_ip="10.0.0.2"))


def test_a_value_in_the_access_log_can_end_neither_its_string_nor_the_line() -> None:
    agent = 'x", "status": "200"}\n{"forged": "'
    exchange = Exchange(request(headers=(("user-agent", agent),)), stage())
    exchange.answer = Answer(403, [], b"")

    line = access_log.line('{"agent": "$context.identity.userAgent", "status": "$context.status"}', exchange)

    assert "\n" not in line
    assert json.loads(line) == {"agent": agent, "status": "403"}


def test_what_a_request_has_not_is_a_dash_in_the_access_log() -> None:
    exchange = Exchange(request(), stage())
    exchange.answer = Answer(200, [], b"abc")

    line = access_log.line(
        "$context.responseLength $context.error.message $context.identity.userArn $context.nothing", exchange
    )

    assert line == "3 - - -"


def test_headers_that_come_twice_are_all_in_the_event() -> None:
    twice = request(headers=(("x-one", "a"), ("x-one", "b"), ("content-length", "0")))

    event = event_of(Exchange(twice, stage()), ROUTE)

    assert event["headers"]["X-One"] == "b"
    assert event["multiValueHeaders"]["X-One"] == ["a", "b"]
    assert "Content-Length" not in event["headers"]
