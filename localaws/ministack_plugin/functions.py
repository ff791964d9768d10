"""Has functions run here instead of in ministack's workers, and every invocation counted."""

import json
import threading
import time
from contextvars import copy_context
from typing import Any

from ministack.services import lambda_svc

from localaws.errors import LocalAwsError
from localaws.lambda_functions.errors import FailedError, ThrottledError
from localaws.lambda_functions.function import Function, Invocation
from localaws.lambda_functions.metrics import FunctionInvocation
from localaws.lambda_functions.service import Functions
from localaws.ministack_plugin.function_records import function_of, qualifier_of, scope_of
from localaws.ministack_plugin.scope import current
from localaws.ports import Scope
from localaws.sagemaker.metrics import InvocationMeter

Json = dict[str, Any]


def apply(functions: Functions, meter: InvocationMeter) -> None:
    """Put the functions behind ministack's Lambda."""
    _run_here(functions)
    _count(meter)
    _know_aliases()
    _reserve_for_all_versions()
    _end_with_function(functions)
    _snapshot_here(functions)


def _run_here(functions: Functions) -> None:
    original = lambda_svc._execute_function_dispatch

    def dispatch(record: Json, config: Json, event: Any, request_id: str, started: float) -> Any:
        function = function_of(record, config)
        if function is None:
            return original(record, config, event, request_id, started)
        trace = lambda_svc._xray_trace_id_for_invocation(config) or ""
        payload = json.dumps(event, ensure_ascii=False).encode()
        try:
            outcome = functions.invoke(
                function, Invocation(request_id, config["FunctionArn"], payload, trace)
            )
        except ThrottledError:
            return lambda_svc._throttle_response("ConcurrentInvocationLimitExceeded", "Rate Exceeded.")
        result: Json = {"body": _parsed(outcome.payload), "log": "\n".join(outcome.log)}
        if outcome.failed:
            result |= {"error": True, "function_error": "Unhandled"}
        elif isinstance(result["body"], str):
            result |= {"body": outcome.payload.decode(errors="replace"), "raw_payload": True}
        return result

    lambda_svc._execute_function_dispatch = dispatch


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload or b"null")
    except ValueError:
        return payload.decode(errors="replace")


def _count(meter: InvocationMeter) -> None:
    """ministack counts what its Invoke operation does, and not what other services invoke."""
    original = lambda_svc._execute_function

    def execute(record: Json, event: Any) -> Any:
        config = record.get("config") or record
        if lambda_svc._function_config_scope_mismatch(config):
            return original(record, event)  # comes here again, in the right scope
        begun = time.monotonic()
        result = original(record, event)
        meter.add(
            FunctionInvocation(
                scope_of(config), config["FunctionName"], qualifier_of(config),
                (time.monotonic() - begun) * 1000,
                failed=bool(result.get("error")), throttled=bool(result.get("throttle")),
            )
        )  # fmt: skip
        return result

    lambda_svc._execute_function = execute
    lambda_svc._emit_lambda_metrics = lambda *_arguments, **_named: None


def _know_aliases() -> None:
    """A configuration that was asked for by alias names the alias in its ARN, as the invoked ARN does."""
    original = lambda_svc._effective_func_record_for_qualifier

    def effective(record: Json | None, qualifier: str | None) -> tuple[Any, Any]:
        found, config = original(record, qualifier)
        if record and config and qualifier in record.get("aliases", {}):
            config = {**config, "FunctionArn": record["aliases"][qualifier]["AliasArn"]}
        return found, config

    lambda_svc._effective_func_record_for_qualifier = effective


def _reserve_for_all_versions() -> None:
    """Reserved concurrency is the function's; a version's record does not have it."""
    original = lambda_svc._reserved_concurrency

    def reserved(record: Json, config: Json) -> Any:
        return original(lambda_svc._functions.get(config.get("FunctionName", "")) or record, config)

    lambda_svc._reserved_concurrency = reserved


def _end_with_function(functions: Functions) -> None:
    """ministack says here that a function, a version or a configuration is gone."""
    original = lambda_svc.invalidate_worker

    def invalidate(
        name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None
    ) -> Any:
        here = current()
        functions.forget(Scope(account or here.account, region or here.region), name, qualifier)
        return original(name, qualifier=qualifier, account=account, region=region)

    lambda_svc.invalidate_worker = invalidate


def _snapshot_here(functions: Functions) -> None:
    """A version with SnapStart is initialized when it is published; one that cannot be has failed."""
    original = lambda_svc._snapstart_provision_version_async

    def provision(name: str, record: Json) -> None:
        config = record["config"]
        function = function_of(record, config)
        if function is None:
            original(name, record)
            return
        context = copy_context()
        threading.Thread(target=context.run, args=(_settle, functions, function, config), daemon=True).start()

    lambda_svc._snapstart_provision_version_async = provision


def _settle(functions: Functions, function: Function, config: Json) -> None:
    try:
        functions.warm(function)
    except (FailedError, LocalAwsError) as error:
        config |= {"State": "Failed", "StateReason": str(error), "StateReasonCode": "FunctionError"}
        return
    config |= {"State": "Active", "StateReason": "", "StateReasonCode": "", "LastUpdateStatus": "Successful"}


def provision(functions: Functions, name: str) -> None:
    """Bring the environments that are started ahead in line with a function's aliases and versions.

    Raises FailedError and LocalAwsError.
    """
    record = lambda_svc._functions.get(name)
    if not record:
        return
    wanted: dict[str, int] = dict.fromkeys(record["versions"], 0)
    for qualifier, asked in record.get("provisioned_concurrency", {}).items():
        alias = record["aliases"].get(qualifier)
        version = alias["FunctionVersion"] if alias else qualifier
        if version in wanted:
            wanted[version] += int(asked.get("RequestedProvisionedConcurrentExecutions") or 0)
    for version, count in wanted.items():
        published = record["versions"][version]
        if function := function_of(published, published["config"]):
            functions.provision(function, count)
