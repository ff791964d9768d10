"""What the command line says of a model on Elastic Beanstalk: its address, its cost, a swap, its events."""

from __future__ import annotations

import shlex

import pytest
from rich.console import Console

from slipway.environment_events import beanstalk_told
from slipway.environment_prices import monthly, told
from slipway.environment_story import line_for, reach
from slipway.environment_swap import SLOT, Swap
from slipway.environments import check_environment
from slipway.errors import DeployFailed, NotDeployed, SettingsError, SilentRollback
from slipway.functions import require_endpoint
from slipway.story import Story
from stacks.settings import load_model, load_stage
from tests.unit.aws_answers import CNAME, OUTPUTS, ROOT, Answers, model, refused, secured

# --- what a deploy tells


def test_the_cost_of_a_month_is_the_sum_of_its_parts_and_says_where_the_prices_are_from():
    prod = load_stage(ROOT, "prod")

    found = monthly(model(), prod)

    assert found["2 x t3.small"] == pytest.approx(2 * 730 * 0.0208)
    assert found["load balancer"] == pytest.approx(16.425)
    assert found["4 public addresses"] == pytest.approx(4 * 730 * 0.005)
    assert f"about {sum(found.values()):.0f} USD a month" in told(model(), prod)[0]
    assert "Elastic Load Balancing pricing" in told(model(), prod)[-1]
    assert "up to 4 machines" in told(model(), prod)[1]


def test_a_single_machine_has_no_load_balancer_to_pay_for():
    found = monthly(model(), load_stage(ROOT, "dev"))

    assert set(found) == {"1 x t3.small", "disks", "a public address"}


def test_a_machine_whose_price_is_not_known_here_is_said_to_be_left_out():
    lines = told(model(ec2_instance_types=["x2idn.16xlarge"]), load_stage(ROOT, "dev"))

    assert any("x2idn.16xlarge" in line and "not known" in line for line in lines)


def test_plain_http_that_is_open_to_everybody_is_said_plainly_with_what_to_set():
    dev = " ".join(reach(model(), load_stage(ROOT, "dev"), OUTPUTS))
    prod = " ".join(reach(model(), load_stage(ROOT, "prod"), OUTPUTS))

    for text in (dev, prod):
        assert "PLAIN HTTP AND OPEN TO EVERYBODY" in text and "certificate_arn and domain_name" in text
    assert "load_balanced = true in [dev]" in dev
    assert "load_balanced" not in prod and "internal = true" in prod
    assert reach(model(), load_stage(ROOT, "local"), OUTPUTS) == []


def test_with_a_certificate_the_dns_record_to_make_is_told():
    outputs = OUTPUTS | {"EnvironmentUrl": "https://forest.example.com/", "DomainName": "forest.example.com"}

    text = " ".join(reach(secured(), load_stage(ROOT, "prod"), outputs))

    assert f"forest.example.com CNAME {CNAME}" in text
    assert "over TLS" in text and "PLAIN" not in text


@pytest.mark.parametrize("domain", [None, "forest.example.com"])
def test_the_curl_line_works_before_there_is_a_dns_record(domain):
    outputs = OUTPUTS | ({"EnvironmentUrl": f"https://{domain}/", "DomainName": domain} if domain else {})

    words = shlex.split(line_for(outputs, "eu-west-1", [5.1, 3.5, 1.4, 0.2]))

    assert words[0] == "curl" and f"{outputs['EnvironmentUrl']}predict" in words
    assert words[-1] == "[[5.1, 3.5, 1.4, 0.2]]"
    assert ("--connect-to" in words) == bool(domain)
    if domain:
        assert words[words.index("--connect-to") + 1] == f"{domain}:443:{CNAME}:443"


# --- swap


def test_a_swap_goes_to_the_slot_where_no_environment_is():
    for now, slot in (("blue", "green"), ("green", "blue")):
        settled = {"StackStatus": "UPDATE_COMPLETE"}
        stack = {**settled, "Parameters": [{"ParameterKey": SLOT, "ParameterValue": now}]}

        found = Swap.plan(Answers(describe_stacks={"Stacks": [stack]}), model(), Story())

        assert (found.slot, found.new) == (slot, f"slipway-dev-iris-forest-{slot}")
        assert found.url in found.told() and found.old in found.told()


def test_what_is_no_environment_is_not_swapped():
    with pytest.raises(SettingsError, match="its target is sagemaker"):
        Swap.plan(Answers(), load_model(ROOT, "iris"), Story())
    with pytest.raises(NotDeployed, match="no environment on dev to swap with"):
        settled = {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]}
        Swap.plan(Answers(outputs={"FunctionName": "f"}, describe_stacks=settled), model(), Story())


def test_a_swap_is_planned_when_nobody_changes_the_stack_any_more():
    stacks = [
        {"StackStatus": status, "Parameters": [{"ParameterKey": SLOT, "ParameterValue": slot}]}
        for status, slot in (
            ("UPDATE_IN_PROGRESS", "green"),
            ("UPDATE_ROLLBACK_IN_PROGRESS", "green"),
            ("UPDATE_ROLLBACK_COMPLETE", "blue"),
        )
    ]
    aws = Answers(
        describe_stacks=[{"Stacks": [stack]} for stack in stacks], describe_stack_events={"StackEvents": []}
    )

    assert Swap.plan(aws, model(), Story()).slot == "green"


def test_after_a_swap_the_address_has_to_be_the_one_from_before():
    swap = Swap("iris_forest", "s", "green", OUTPUTS["EnvironmentName"], "another-green", "http://x/")

    with pytest.raises(DeployFailed, match="another-green was to answer at http://x/"):
        swap.check(Answers(), Story())


def test_the_slots_are_those_of_the_stack():
    from slipway import environment_swap
    from stacks.constructs import beanstalk_environment, instance_profile

    assert tuple(instance_profile.SLOTS) == environment_swap._SLOTS
    assert environment_swap.SLOT == beanstalk_environment.SLOT


# --- what an environment runs


def on(label: str, status: str = "Ready", **more: object) -> Answers:
    about = {"Status": status, "Health": "Green", "HealthStatus": "Ok", "VersionLabel": label}
    version = {"ResourceType": "AWS::ElasticBeanstalk::ApplicationVersion", "PhysicalResourceId": "asked"}
    answers = {
        "describe_environments": {"Environments": [about]},
        "describe_environment_resources": {"EnvironmentResources": {"Instances": [{"Id": "i-1"}]}},
        "describe_environment_health": {"Causes": ["a cause"]},
        "list_stack_resources": {"StackResourceSummaries": [version]},
    }
    return Answers(**(answers | more))


def test_an_environment_on_what_its_stack_asks_for_passes():
    check_environment(on("asked"), "iris_forest")


@pytest.mark.parametrize(("label", "status"), [("before", "Ready"), ("asked", "Updating")])
def test_an_environment_that_went_back_or_is_not_ready_is_found(label, status):
    with pytest.raises(SilentRollback, match=f"is {status} on {label}; the stack asked for asked") as caught:
        check_environment(on(label, status), "iris_forest")

    assert caught.value.why == "a cause"


def test_what_only_an_endpoint_has_is_refused_for_an_environment():
    with pytest.raises(SettingsError, match="served by Elastic Beanstalk, which has no transform jobs"):
        require_endpoint("iris_forest", OUTPUTS, "transform jobs", "")


# --- Beanstalk's events


def event(number: int, message: str, severity: str = "INFO") -> dict[str, object]:
    return {
        "EventDate": f"2026-11-20T10:00:{number:02d}Z",
        "EnvironmentName": "slipway-dev-iris-forest-green",
        "Message": message,
        "Severity": severity,
    }


def test_a_failed_deploy_tells_what_beanstalk_and_the_container_said(tmp_path):
    old, new = event(1, "of last week", "ERROR"), event(2, "Failed to deploy application.", "ERROR")
    group = "/aws/elasticbeanstalk/slipway-dev-iris-forest-green/var/log/x/stdouterr.log"
    line = {"timestamp": 1, "eventId": "e", "logStreamName": "i-1", "message": "the model is not ready"}
    aws = Answers(
        describe_events=[{"Events": [old]}, {"Events": [event(3, "after"), new, old]}],
        describe_log_groups={"logGroups": [{"logGroupName": group}]},
        filter_log_events={"events": [line]},
    )
    console = Console(record=True, width=200, file=(tmp_path / "told").open("w"))

    with pytest.raises(DeployFailed) as caught, beanstalk_told(aws, [model()], Story(console)):
        raise DeployFailed("It failed.", why="CloudFormation's words", fix="Mend it.")

    assert caught.value.why.splitlines()[:2] == ["CloudFormation's words", "Failed to deploy application."]
    assert "the model is not ready" in caught.value.why
    assert "of last week" not in caught.value.why
    assert caught.value.fix == "Mend it."
    shown = console.export_text()
    assert shown.index("Failed to deploy") < shown.index("after")


def test_the_lines_are_those_of_the_instance_that_failed():
    failed = event(2, "[Instance: i-0123456789abcdef0] Command failed on instance.", "ERROR")
    group = "/aws/elasticbeanstalk/slipway-dev-iris-forest-green/var/log/x/stdouterr.log"
    aws = Answers(
        describe_events=[{"Events": []}, {"Events": [failed]}],
        describe_log_groups={"logGroups": [{"logGroupName": group}]},
        filter_log_events={"events": []},
    )
    with pytest.raises(DeployFailed), beanstalk_told(aws, [model()], Story()):
        raise DeployFailed("It failed.")
    asked = [request for name, request in aws.asked if name == "filter_log_events"]
    assert asked and {tuple(request["logStreamNames"]) for request in asked} == {("i-0123456789abcdef0",)}


def test_a_deploy_on_a_platform_that_is_gone_names_the_current_one():
    current = {"PlatformVersion": "4.14.0", "PlatformLifecycleState": "Recommended"}
    aws = Answers(describe_events={"Events": []}, list_platform_versions={"PlatformSummaryList": [current]})
    with pytest.raises(DeployFailed) as caught, beanstalk_told(aws, [model()], Story()):
        raise DeployFailed("It failed.", why="No Platform named 'arn:…/4.13.7' found.", fix="Mend it.")
    assert 'platform_version = "4.14.0"' in caught.value.fix
    assert caught.value.fix.endswith("\nMend it.")


def test_events_that_cannot_be_read_leave_a_deploy_alone():
    with beanstalk_told(Answers(describe_events=refused()), [model()], Story()):
        pass
