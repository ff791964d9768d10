"""A firewall before an API: AWS's managed rules, and a limit for each address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from stacks.retention import log_retention

_Rule = wafv2.CfnWebACL.RuleProperty
_Statement = wafv2.CfnWebACL.StatementProperty
# Rules of the common set that count and do not block. The first blocks every body above 8 KB, a table of a
# few hundred rows; the others look in a body for attacks on web pages, and a table holds what it likes and
# never becomes a page; programs call the API, some of them without a User-Agent.
COUNTED = (
    "SizeRestrictions_BODY",
    "CrossSiteScripting_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
    "EC2MetaDataSSRF_BODY",
    "NoUserAgent_HEADER",
)
# What of a request shows who somebody is, and is not logged.
_REDACTED_HEADERS = ("authorization", "x-api-key", "x-amz-security-token")
_FIVE_MINUTES_S = 300
# A rule that looks for markup logs the words in which it found some, of a body too, also where it only
# counts; the fields that a log leaves out cannot be bodies. Source: "Data protection" and "Log fields for
# web ACL traffic" in the WAF developer guide.
_UNSEEN = wafv2.CfnWebACL.DataProtectionConfigProperty(
    data_protections=[
        wafv2.CfnWebACL.DataProtectProperty(
            action="SUBSTITUTION",
            field=wafv2.CfnWebACL.FieldToProtectProperty(field_type="BODY"),
            exclude_rule_match_details=False,
            exclude_rate_based_details=False,
        )
    ]
)


@dataclass(frozen=True, kw_only=True)
class WebAclProps:
    """What a WebAcl needs to know."""

    name: str
    """Of the API; [a-z0-9-]."""
    stage_arn: str
    """The stage that it stands before."""
    requests_per_five_minutes: int
    """Of one address; it is blocked while it sends more."""
    log_retention_days: int


class WebAcl(Construct):
    """A regional web ACL with its log, before one stage."""

    def __init__(self, scope: Construct, construct_id: str, *, props: WebAclProps) -> None:
        super().__init__(scope, construct_id)
        acl = wafv2.CfnWebACL(
            self,
            "Default",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_seen_as(props.name),
            data_protection_config=_UNSEEN,
            rules=[
                _managed(0, "AWSManagedRulesAmazonIpReputationList"),
                _managed(1, "AWSManagedRulesKnownBadInputsRuleSet"),
                _managed(2, "AWSManagedRulesCommonRuleSet", counted=COUNTED),
                _Rule(
                    name="Rate",
                    priority=3,
                    action=wafv2.CfnWebACL.RuleActionProperty(block={}),
                    visibility_config=_seen_as("Rate"),
                    statement=_Statement(
                        rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                            aggregate_key_type="IP",
                            limit=props.requests_per_five_minutes,
                            evaluation_window_sec=_FIVE_MINUTES_S,
                        )
                    ),
                ),
            ],
        )
        logging = self._log(acl, props)
        association = wafv2.CfnWebACLAssociation(
            self, "Stage", resource_arn=props.stage_arn, web_acl_arn=acl.attr_arn
        )
        # Nothing passes that is not logged.
        association.node.add_dependency(logging)

    def _log(self, acl: wafv2.CfnWebACL, props: WebAclProps) -> wafv2.CfnLoggingConfiguration:
        stack, name = cdk.Stack.of(self), f"aws-waf-logs-{props.name}"  # AWS takes no other prefix
        group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=name,
            retention=log_retention(props.log_retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        # The group's own policy: of the account's there can be ten ("PutResourcePolicy" in the API reference
        # of CloudWatch Logs).
        resource = group.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - for mypy
        resource.resource_policy_document = iam.PolicyDocument(
            statements=[
                iam.PolicyStatement(
                    principals=[
                        iam.ServicePrincipal(
                            "delivery.logs.amazonaws.com",
                            conditions={
                                "StringEquals": {"aws:SourceAccount": stack.account},
                                "ArnLike": {"aws:SourceArn": stack.format_arn(service="logs", resource="*")},
                            },
                        )
                    ],
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[f"{_arn(stack, name)}:log-stream:*"],
                )
            ]
        )
        return wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=acl.attr_arn,
            log_destination_configs=[_arn(stack, group.log_group_name)],
            redacted_fields=[
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(query_string={}),
                *(
                    wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
                    for header in _REDACTED_HEADERS
                ),
            ],
        )


def _arn(stack: cdk.Stack, name: str) -> str:
    """Return a group's ARN without the :* of its streams, which WAF does not take."""
    return stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name=name,
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


def _managed(priority: int, name: str, *, counted: Sequence[str] = ()) -> _Rule:
    return _Rule(
        name=name,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        visibility_config=_seen_as(name),
        statement=_Statement(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=name,
                rule_action_overrides=[
                    wafv2.CfnWebACL.RuleActionOverrideProperty(
                        name=rule, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
                    )
                    for rule in counted
                ]
                or None,
            )
        ),
    )


def _seen_as(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True,
        metric_name=name,
        # Samples show headers, and with them keys.
        sampled_requests_enabled=False,
    )
