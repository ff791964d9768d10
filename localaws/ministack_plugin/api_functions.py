"""Lambda as API Gateway calls it: the function's own policy decides, and each call has a thread."""

import asyncio
import contextvars
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import lambda_svc

from localaws.apigateway.integrations.lambda_proxy import Invocation
from localaws.ministack_plugin.ports import allows_service
from localaws.ministack_plugin.scope import acting_in
from localaws.ports import Scope

_PRINCIPAL = "apigateway.amazonaws.com"
# Lambda's account has as many executions at a time; what calls back into an API waits in no queue.
_MAX_CALLS = 1000
_NOT_ALLOWED = "Invalid permissions on Lambda function"


class MinistackFunctions:
    """Functions. A call holds a thread of its own, so that a slow one stops no other and not the server."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MAX_CALLS, "api-function")

    async def invoke(self, function_arn: str, event: Mapping[str, Any], source_arn: str) -> Invocation:
        """Call the function where its policy lets API Gateway, for the method's ARN."""
        _, _, _, region, account, *_ = function_arn.split(":")
        scope = Scope(account, region)
        with acting_in(scope):
            function, config, _ = lambda_svc._get_func_record_for_ref_in_scope(
                function_arn, account_id=account, region=region
            )
            # A version's record has no policy: the function holds those of its aliases and versions, too.
            owner, _, _ = lambda_svc._get_func_record_for_ref_in_scope(
                ":".join(function_arn.split(":")[:7]), account_id=account, region=region
            )
            if function is None or config is None or not _allowed(owner, function_arn, source_arn, scope):
                return Invocation(refused=_NOT_ALLOWED)
            record = lambda_svc._execution_record_for_config(function, config)
            context = contextvars.copy_context()
        call = lambda_svc._execute_function_with_config_scope  # looked up now: others stand in for it
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._threads, context.run, call, record, dict(event))
        if result.get("throttle"):
            return Invocation(refused="Rate Exceeded")
        return Invocation(result.get("body"), failed=bool(result.get("error")))


def _allowed(function: Mapping[str, Any] | None, arn: str, source_arn: str, scope: Scope) -> bool:
    """Whether the policy of exactly this function, version or alias lets API Gateway call it."""
    statements = [
        statement
        for statement in ((function or {}).get("policy") or {}).get("Statement", [])
        if statement.get("Resource") == arn
    ]
    context = iam_evaluator.EvalContext(
        principal_arn="",
        principal_type="Service",
        principal_account=scope.account,
        action="lambda:InvokeFunction",
        resource_arn=arn,
        region=scope.region,
        service_context={"aws:sourceaccount": scope.account, "aws:sourcearn": source_arn},
    )
    return allows_service({"Statement": statements}, _PRINCIPAL, context)
