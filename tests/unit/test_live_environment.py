"""The function that makes an environment live, against a server in the place of AWS and of the model."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stacks.constructs.live_environment import golden_of
from stacks.functions import live_environment
from tests.unit.beanstalk_query import Asked, Aws, running
from tests.unit.going_live import BLUE, GOLDEN, GREEN, NAME, run, swap
from tests.unit.test_environment_door import certificate_for


@pytest.fixture(scope="module")
def server() -> Iterator[Aws]:
    with running() as server:
        yield server
    live_environment._client.cache_clear()  # of this server's address


@pytest.fixture
def aws(server: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    for name, value in (("_PAUSE_S", 0.01), ("_ROWS_S", 0.2), ("_SWAP_S", 0.2)):
        monkeypatch.setattr(live_environment, name, value)
    server.forget()
    server.add(BLUE)
    return server


def test_a_first_environment_is_live_under_the_name_that_it_was_given(aws: Aws) -> None:
    assert run(aws) == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": NAME,
        "Data": {"Cname": NAME, "EndpointUrl": f"http://{NAME}/"},
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/slipway-prod-iris-forest/1",
        "RequestId": "request",
        "LogicalResourceId": "Live",
    }
    assert aws.rows == GOLDEN["rows"]


def test_a_new_version_in_place_keeps_the_name(aws: Aws) -> None:
    aws.add(BLUE, VersionLabel="v2")
    told = run(aws, "Update", label="v2", old=BLUE, public=NAME)
    assert (told["Status"], told["PhysicalResourceId"]) == ("SUCCESS", NAME)
    assert "SwapEnvironmentCNAMEs" not in aws.actions()


def test_what_beanstalk_took_back_fails_the_deploy_with_its_own_words(aws: Aws) -> None:
    aws.events = [  # newest first
        {"Severity": "ERROR", "Message": "Failed to deploy application."},
        {"Severity": "WARN", "Message": "Instance i-1 says 503 on /ping."},
    ]
    told = run(aws, "Update", label="v2", old=BLUE, public=NAME)
    assert told["Status"] == "FAILED"
    assert told["PhysicalResourceId"] == NAME
    assert told["Reason"] == (
        f"Unfit: {BLUE} went back to v1: v2 could not be deployed. "
        "WARN: Instance i-1 says 503 on /ping. ERROR: Failed to deploy application."
    )
    assert aws.rows == []


def test_an_image_that_beanstalk_took_back_fails_the_deploy_too(aws: Aws) -> None:
    aws.properties = {"SLIPWAY_IMAGE": "registry/image:one", "OTHER": "x"}
    assert run(aws, told={"SLIPWAY_IMAGE": "registry/image:one"})["Status"] == "SUCCESS"
    told = run(aws, "Update", old=BLUE, public=NAME, told={"SLIPWAY_IMAGE": "registry/image:two"})
    assert (told["Status"], told["Reason"]) == (
        "FAILED",
        f"Unfit: {BLUE} went back to SLIPWAY_IMAGE = registry/image:one: "
        "registry/image:two could not be deployed. ",
    )


def test_properties_that_aws_does_not_tell_fail_no_deploy(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.denied = {"DescribeConfigurationSettings"}
    assert run(aws, told={"SLIPWAY_IMAGE": "registry/image:two"})["Status"] == "SUCCESS"
    assert "The properties are not compared: " in capsys.readouterr().out

    aws.denied = {"DescribeEnvironments"}
    assert "(AccessDenied)" in run(aws)["Reason"]


def test_health_is_waited_for(aws: Aws) -> None:
    aws.add(BLUE, Status="Updating", Health="Grey")
    steps = iter([{"Status": "Ready"}, {"Health": "Yellow"}, {"Health": "Green"}])

    def later(asked: Asked) -> None:
        if asked["Action"] == "DescribeEnvironments":
            aws.environments[BLUE].update(next(steps, {}))

    aws.before = later
    assert run(aws)["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"Health": "Red", "HealthStatus": "Severe"}, f"{BLUE} is Red (Severe)."),
        ({"Status": "Updating"}, f"{BLUE} is Updating."),
        ({"Status": "Terminated"}, f"{BLUE} is not there."),
    ],
)
def test_patience_ends(state: dict[str, str], reason: str, aws: Aws) -> None:
    aws.add(BLUE, **state)
    told = run(aws)
    assert (told["Status"], told["Reason"]) == ("FAILED", f"Unfit: {reason} ")


def test_a_swap_gives_the_new_environment_the_public_name(aws: Aws) -> None:
    aws.add(GREEN, VersionLabel="v2")
    told = swap(aws)
    assert (told["Status"], told["PhysicalResourceId"], told["Data"]["Cname"]) == ("SUCCESS", NAME, NAME)
    assert aws.environments[GREEN]["CNAME"] == NAME
    assert aws.environments[BLUE]["CNAME"] == f"{GREEN}.example.com"


def test_a_swap_that_is_asked_for_again_changes_nothing(aws: Aws) -> None:
    aws.add(GREEN, VersionLabel="v2")
    assert swap(aws) == swap(aws)
    assert aws.actions().count("SwapEnvironmentCNAMEs") == 1
    assert aws.environments[GREEN]["CNAME"] == NAME


def test_where_somebody_has_terminated_the_old_environment_the_new_one_is_live_under_its_own_name(
    aws: Aws,
) -> None:
    aws.add(BLUE, Status="Terminated")
    aws.add(GREEN, VersionLabel="v2")
    told = swap(aws)
    assert (told["Status"], told["PhysicalResourceId"]) == ("SUCCESS", f"{GREEN}.example.com")
    assert "SwapEnvironmentCNAMEs" not in aws.actions()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, ["virginica"]), "[5.1, 3.5] is answered with 'virginica', and training gave 'setosa'."),
        ((200, [1]), "[5.1, 3.5] is answered with 1, and training gave 'setosa'."),
        ((200, []), "not enough values to unpack (expected 1, got 0)"),
        ((400, {"error": "no"}), 'A golden row is answered with 400: {"error": "no"}'),
        ((500, {"error": "no"}), 'A golden row is answered with 500: {"error": "no"}'),
        ((503, {"error": "no"}), 'A golden row is answered with 503: {"error": "no"}'),
    ],
)
def test_one_that_answers_otherwise_is_never_live(answer: tuple[int, Any], reason: str, aws: Aws) -> None:
    aws.add(GREEN, VersionLabel="v2")
    aws.model = lambda row: answer
    told = swap(aws)
    assert (told["Status"], told["PhysicalResourceId"]) == ("FAILED", NAME)
    assert told["Reason"] == f"Unfit: {reason} "
    assert "SwapEnvironmentCNAMEs" not in aws.actions()

    # CloudFormation then comes back to the old one, whatever has become of the new one.
    aws.stack_status = "UPDATE_ROLLBACK_IN_PROGRESS"
    aws.add(GREEN, Status="Terminated")
    told = run(aws, "Update", name=BLUE, old=GREEN, public=NAME)
    assert (told["Status"], told["PhysicalResourceId"]) == ("SUCCESS", NAME)
    assert "SwapEnvironmentCNAMEs" not in aws.actions()


def test_a_load_balancer_that_is_not_ready_yet_is_asked_again(aws: Aws) -> None:
    answers = iter([(502, "Bad Gateway"), (503, "No target")])
    aws.model = lambda row: next(answers, (200, ["setosa"]))
    assert run(aws)["Status"] == "SUCCESS"
    assert len(aws.rows) == 4


def test_a_stack_that_is_rolled_back_after_the_swap_gets_its_name_back(aws: Aws) -> None:
    aws.add(GREEN, VersionLabel="v2")
    swap(aws)
    rows = len(aws.rows)
    aws.stack_status = "UPDATE_ROLLBACK_IN_PROGRESS"
    aws.environments[BLUE]["Health"] = "Red"  # no reason to leave callers with what failed

    for _ in range(2):
        told = run(aws, "Update", name=BLUE, old=GREEN, public=NAME)
        assert (told["Status"], told["PhysicalResourceId"]) == ("SUCCESS", NAME)
        assert aws.environments[BLUE]["CNAME"] == NAME
    assert aws.actions().count("SwapEnvironmentCNAMEs") == 2
    assert len(aws.rows) == rows


def test_a_rollback_fails_rather_than_let_the_live_environment_go(aws: Aws) -> None:
    aws.add(GREEN, VersionLabel="v2")
    swap(aws)
    aws.stack_status = "UPDATE_ROLLBACK_IN_PROGRESS"
    aws.add(BLUE, Status="Terminated")
    told = run(aws, "Update", name=BLUE, old=GREEN, public=NAME)
    assert (told["Status"], told["Reason"]) == ("FAILED", f"NotYet: {BLUE} is not there.")
    assert aws.environments[GREEN]["CNAME"] == NAME


def test_a_version_in_place_that_failed_does_not_fail_the_rollback(aws: Aws) -> None:
    aws.stack_status = "UPDATE_ROLLBACK_IN_PROGRESS"
    aws.add(BLUE, Health="Red")
    assert run(aws, "Update", old=BLUE, public=NAME)["Status"] == "SUCCESS"


def test_numbers_may_differ_by_what_training_found(aws: Aws) -> None:
    golden = {**GOLDEN, "rows": [[1.0]], "predictions": [2.0], "tolerance": 0.001}
    aws.model = lambda row: (200, [2.0004])
    assert run(aws, golden=golden)["Status"] == "SUCCESS"
    aws.model = lambda row: (200, [2.01])
    assert "answered with 2.01" in run(aws, golden=golden)["Reason"]


def test_a_model_with_hooks_of_its_own_has_to_answer_in_whatever_form(aws: Aws) -> None:
    hooks = {**GOLDEN, "compared": False}
    aws.model = lambda row: (200, {"any": "form"})
    assert run(aws, golden=hooks)["Status"] == "SUCCESS"
    asked = len(aws.rows)
    aws.model = lambda row: (500, {"error": "no"})
    assert "A golden row is answered with 500" in run(aws, golden=hooks)["Reason"]
    assert len(aws.rows) == asked + 1  # the model's own failure is no start that takes its time


def test_without_rows_the_health_alone_decides(aws: Aws) -> None:
    assert run(aws, golden={**GOLDEN, "rows": [], "predictions": []})["Status"] == "SUCCESS"
    assert aws.rows == []


def test_a_certificate_s_name_is_the_address_that_is_told(aws: Aws) -> None:
    golden = {**GOLDEN, "rows": [], "predictions": []}
    told = run(aws, golden=golden, DomainName="iris.example.com")
    assert told["Data"] == {"Cname": NAME, "EndpointUrl": "https://iris.example.com/"}


@pytest.mark.parametrize(
    ("certified", "trusted", "reason"),
    [
        ("iris.example.com", True, ""),
        ("other.example.com", True, "Hostname mismatch"),
        ("iris.example.com", False, "self-signed certificate"),
    ],
)
def test_a_load_balancer_with_tls_has_to_show_the_certificate_of_the_domain(
    certified: str, trusted: bool, reason: str, aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "certificate.pem"
    file.write_bytes(certificate_for(certified))
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with aws.second(context) as address:
        aws.add(BLUE, EndpointURL=address)
        told = run(aws, DomainName="iris.example.com")
    assert (told["Status"], reason in told["Reason"]) == ("FAILED" if reason else "SUCCESS", True)
    assert len(aws.rows) == (0 if reason else 2)


def test_nothing_is_done_when_the_stack_goes(aws: Aws) -> None:
    assert run(aws, "Delete", public=NAME)["Status"] == "SUCCESS"
    assert aws.asked == []


@pytest.mark.parametrize("hooks", [False, True])
def test_golden_rows_come_from_the_manifest_unless_nobody_can_ask(hooks: bool) -> None:
    manifest = {
        "golden": {"rows": [[1.0], [2.0]], "predictions": ["a", "b"]},
        "engine": {"agreement": {"tolerance": 0.5}},
        "hooks": hooks,
    }
    rows = {"rows": [[1.0], [2.0]], "predictions": ["a", "b"], "compared": not hooks, "tolerance": 0.5}
    assert json.loads(golden_of(manifest, ask=True)) == rows
    assert json.loads(golden_of(manifest, ask=False))["rows"] == []
