"""The firewall before an API: what it blocks, what it only counts, and what it writes down."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stacks.template_reading import rendered
from tests.synth.apis import api_template
from tests.synth.harness import every, only


@pytest.fixture(scope="module")
def prod() -> dict[str, Any]:
    return api_template("prod")


def _rules(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    acl = only(template, "AWS::WAFv2::WebACL")["Properties"]
    return {rule["Name"]: rule for rule in acl["Rules"]}


@pytest.mark.parametrize("stage", ["local", "dev"])
def test_a_stage_that_asks_for_none_has_none(stage: str) -> None:
    assert not [r for r in api_template(stage)["Resources"].values() if r["Type"].startswith("AWS::WAFv2")]


def test_it_stands_before_the_stage(prod: dict[str, Any]) -> None:
    association = only(prod, "AWS::WAFv2::WebACLAssociation")["Properties"]
    assert rendered(association["ResourceArn"]).endswith(
        ":apigateway:<AWS::Region>::/restapis/<ApiRest4DEC74FE>/stages/<ApiRestDeploymentStageprodE136C09A>"
    )
    assert only(prod, "AWS::WAFv2::WebACL")["Properties"]["Scope"] == "REGIONAL"


def test_aws_s_rules_block_what_they_find(prod: dict[str, Any]) -> None:
    rules = _rules(prod)
    assert set(rules) == {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "Rate",
    }
    managed = [rule for rule in rules.values() if "OverrideAction" in rule]
    assert [rule["OverrideAction"] for rule in managed] == [{"None": {}}] * 3


def test_a_body_above_8_kb_and_what_looks_like_markup_is_counted_only(prod: dict[str, Any]) -> None:
    statement = _rules(prod)["AWSManagedRulesCommonRuleSet"]["Statement"]["ManagedRuleGroupStatement"]
    overrides = {rule["Name"]: rule["ActionToUse"] for rule in statement["RuleActionOverrides"]}
    assert all(action == {"Count": {}} for action in overrides.values())
    assert {"SizeRestrictions_BODY", "CrossSiteScripting_BODY", "NoUserAgent_HEADER"} <= set(overrides)
    # Those that look at anything but a body go on blocking.
    assert {name for name in overrides if not name.endswith("_BODY")} == {"NoUserAgent_HEADER"}


def test_one_address_may_ask_so_often(prod: dict[str, Any]) -> None:
    rule = _rules(prod)["Rate"]
    assert rule["Action"] == {"Block": {}}
    assert rule["Statement"]["RateBasedStatement"] == {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 300,
        "Limit": 2000,
    }


def test_its_log_is_the_stack_s_and_holds_no_key(prod: dict[str, Any]) -> None:
    configuration = only(prod, "AWS::WAFv2::LoggingConfiguration")["Properties"]
    (destination,) = configuration["LogDestinationConfigs"]
    (group,) = (
        name
        for name, resource in prod["Resources"].items()
        if resource["Type"] == "AWS::Logs::LogGroup"
        and resource["Properties"].get("LogGroupName", "").startswith("aws-waf-logs-")
    )
    assert rendered(destination).endswith(f":log-group:<{group}>")
    redacted = json.dumps(configuration["RedactedFields"])
    for secret in ("authorization", "x-api-key", "x-amz-security-token", "QueryString"):
        assert secret in redacted


def test_the_log_s_policy_names_who_delivers_and_for_whom(prod: dict[str, Any]) -> None:
    # The account can have ten policies; each group one of its own.
    assert every(prod, "AWS::Logs::ResourcePolicy") == []
    (document,) = (
        group["Properties"]["ResourcePolicyDocument"]
        for group in every(prod, "AWS::Logs::LogGroup")
        if "ResourcePolicyDocument" in group["Properties"]
    )
    (statement,) = document["Statement"]
    assert statement["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert "aws:SourceArn" in statement["Condition"]["ArnLike"]
    assert rendered(statement["Resource"]).endswith(":log-group:aws-waf-logs-slipway-prod-iris:log-stream:*")


def test_no_word_of_a_body_is_written_down(prod: dict[str, Any]) -> None:
    (protected,) = only(prod, "AWS::WAFv2::WebACL")["Properties"]["DataProtectionConfig"]["DataProtections"]
    assert (protected["Field"], protected["Action"]) == ({"FieldType": "BODY"}, "SUBSTITUTION")
    assert protected["ExcludeRuleMatchDetails"] is False


def test_samples_which_show_headers_are_off(prod: dict[str, Any]) -> None:
    assert '"SampledRequestsEnabled": true' not in json.dumps(prod)
