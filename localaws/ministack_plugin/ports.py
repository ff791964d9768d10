"""The ports that need ministack's inside: role sessions of services, and metrics of AWS's namespaces."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import cloudwatch, iam, sts

from localaws.ministack_plugin.scope import acting_in
from localaws.ports import AccessDeniedError, Credentials, Metric, Scope

_BEANSTALK = "elasticbeanstalk.amazonaws.com"
_SESSION_S = 30 * 24 * 3600  # nothing here renews a session, and an endpoint may run for weeks


class MinistackRoleSessions:
    """RoleSessions: AssumeRole as a service does it. Over HTTP only users and roles can ask for that."""

    def assume(self, role_arn: str, *, service: str, source_arn: str, scope: Scope) -> Credentials:
        """Return a session of the role after its trust policy allowed `service`, conditions included."""
        with acting_in(scope):
            name = role_arn.rpartition("/")[2]
            role = iam._roles.get(name)
            if role is None or role["Arn"] != role_arn:
                raise AccessDeniedError(f"no role {role_arn}")
            context = _context(role_arn, source_arn, scope, service)
            if not allows_service(role.get("AssumeRolePolicyDocument"), service, context):
                raise AccessDeniedError(f"{role_arn} does not trust {service}")
            return _session(role, name, _session_name(service, source_arn), scope)


def _context(role_arn: str, source_arn: str, scope: Scope, service: str) -> Any:
    facts = {"aws:sourceaccount": scope.account, "aws:sourcearn": source_arn}
    # "Managing Elastic Beanstalk service roles": what Beanstalk names when it takes one.
    external = {_BEANSTALK: {"sts:externalid": "elasticbeanstalk"}}
    return iam_evaluator.EvalContext(
        principal_arn="",
        principal_type="Service",
        principal_account=scope.account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=scope.region,
        service_context=facts | external.get(service, {}),
    )


def allows_service(document: str | Mapping[str, Any] | None, service: str, context: Any) -> bool:
    """Whether a trust or resource policy lets the service do the context's action.

    Ministack's own check takes any service principal for any other.
    """
    policy = json.loads(document) if isinstance(document, str) else (document or {})
    statements = policy.get("Statement", [])
    allowed = False
    for statement in [statements] if isinstance(statements, dict) else statements:
        actions = statement.get("Action", [])
        actions = [actions] if isinstance(actions, str) else actions
        applies = (
            iam_evaluator._action_matches(context.action, actions, [])
            and iam_evaluator._service_principal_matches(statement.get("Principal"), service)
            and iam_evaluator._conditions_met(statement.get("Condition") or {}, context)
        )  # fmt: skip
        if applies and statement.get("Effect") == "Deny":
            return False
        allowed = allowed or (applies and statement.get("Effect") == "Allow")
    return allowed


def _session_name(service: str, source_arn: str) -> str:
    """Return what a service calls its sessions: Lambda and EC2 by the function or machine."""
    names = {
        "ec2.amazonaws.com": source_arn.rpartition("/")[2],
        "sagemaker.amazonaws.com": "SageMaker",
        "lambda.amazonaws.com": source_arn.rpartition(":")[2],
    }
    return names.get(service, service.partition(".")[0])


def _session(role: Mapping[str, Any], name: str, session_name: str, scope: Scope) -> Credentials:
    credentials = Credentials(
        access_key_id=iam._gen_session_access_key(),
        secret_access_key=iam._gen_secret(),
        session_token=iam._gen_session_token(),
        expires_at=time.time() + _SESSION_S,
    )
    sts.register_session(
        credentials.access_key_id,
        {
            "Arn": f"arn:aws:sts::{scope.account}:assumed-role/{name}/{session_name}",
            "UserId": f"{role.get('RoleId', '')}:{session_name}",
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": credentials.expires_at,
            "AccountId": scope.account,
            "PrincipalType": "AssumedRole",
        },
    )
    return credentials


class MinistackMetrics:
    """MetricSink: PutMetricData refuses namespaces that begin with AWS/, so the store is written directly."""

    def record(self, namespace: str, metrics: Sequence[Metric], scope: Scope) -> None:
        """Store the observations under the present time."""
        with acting_in(scope):
            for metric in metrics:
                cloudwatch.record_metric(
                    namespace, metric.name, metric.value, metric.unit, dict(metric.dimensions)
                )

    def evaluate_alarms(self, scope: Scope) -> None:
        """Evaluate alarms; storing metrics through this inner door does not."""
        with acting_in(scope):
            cloudwatch._evaluate_all_alarms()
