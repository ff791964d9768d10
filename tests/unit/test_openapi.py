"""The description of one model behind each door."""

import json

import pytest
import schemathesis

from model_code.serving.doors.openapi import Door, openapi, routes_of
from model_code.serving.doors.page import HEADERS, page
from tests.server.models import model

ERRORS = {"400", "403", "406", "413", "415", "429", "500", "502", "503", "504"}


def described(name, **door):
    manifest = model(name).manifest
    return openapi(manifest, Door(**{"kind": "gateway", "version": "0123456789ab", "max_rows": 50, **door}))


def test_a_gateway_gives_what_a_gateway_gives():
    description = described("logistic")

    responses = description["paths"]["/predict"]["post"]["responses"]
    assert responses.keys() == {"200", *ERRORS}
    assert description["paths"].keys() == {"/", "/openapi.json", "/predict", "/classify", "/probabilities"}
    assert description["servers"] == [{"url": "."}]
    assert "422" in described("mixed")["paths"]["/classify"]["post"]["responses"]
    rows = description["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert rows["schema"]["oneOf"][0]["oneOf"][0]["maxItems"] == 50
    assert list(schemathesis.openapi.from_dict(description))


def test_our_server_gives_what_a_server_gives():
    description = described("logistic", kind="server")

    responses = description["paths"]["/invocations"]["post"]["responses"]
    assert responses.keys() == {"200", "400", "405", "406", "408", "413", "415", "431", "500", "503"}
    assert {"/ping", "/metrics"} <= description["paths"].keys()


@pytest.mark.parametrize(
    ("kind", "routes"),
    [
        ("logistic", ("/predict", "/classify", "/probabilities")),
        ("mixed", ("/predict", "/classify")),
        ("regression", ("/predict",)),
    ],
)
def test_a_model_has_the_routes_that_it_can_answer(kind, routes):
    manifest = model(kind).manifest

    assert routes_of(manifest) == routes
    assert routes_of(manifest, ("/predict",)) == ("/predict",)
    assert routes_of({**manifest, "hooks": True}) == tuple(one for one in routes if one != "/probabilities")


@pytest.mark.parametrize("auth", ["iam", "api_key", "none"])
def test_what_a_caller_has_to_show_is_described(auth):
    description = described("logistic", auth=auth)

    schemes = description["components"].get("securitySchemes", {})
    assert description.get("security", []) == ([] if auth == "none" else [{auth: []}])
    assert {scheme["name"] for scheme in schemes.values()} == {
        "iam": {"Authorization"},
        "api_key": {"x-api-key"},
        "none": set(),
    }[auth]


def test_the_policy_of_the_page_lets_nothing_in_from_elsewhere():
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["content-security-policy"].split(";"))

    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_a_door_without_probabilities_has_a_page_without():
    manifest = model("logistic").manifest
    shown = page(manifest, version="v", routes=("/predict",)).decode().split('id="data">')[1]

    assert json.loads(shown.split("</script>")[0])["probabilities"] is False
