"""What this plug-in calls or replaces inside ministack, checked at start."""

import inspect
from importlib import import_module
from importlib.metadata import version

PINNED = "1.5.33"
_PROVISIONERS = "ministack.services.cloudformation.provisioners"
# module -> attribute -> parameter names of a function; () for tables and other values, whose presence is
# enough.
_HOOKS: dict[str, dict[str, tuple[str, ...]]] = {
    "ministack.app": {
        "app": ("scope", "receive", "send"),
        "detect_service": ("method", "path", "headers", "query_params"),
        "pin_request_origin": ("source_ip", "secure_transport"),
        "_request_account_scope": ("access_key_id",),
        "fix_success_content_type": ("service", "status", "headers"),
        "fix_error_content_type": ("service", "status", "headers"),
        "SERVICE_HANDLERS": (),
        "_enforce_data_plane": (
            *("service", "iam_action", "headers", "query_params", "request_id", "resource_arn"),
            *("service_context", "auth_error_response", "named_resource"),
        ),
        "AUTH": (),
    },
    "ministack.core.responses": {
        "get_account_id": (),
        "get_region": (),
        "set_request_account_id": ("access_key_id",),
        "set_request_region": ("region",),
    },
    "ministack.core.iam_actions": {
        "SERVICE_TO_IAM_NAMESPACE": (),
        "_SERVICE_PROTOCOL": (),
        "_QUERY_XML_NS": (),
        "extract_iam_action": ("service", "method", "path", "headers", "body", "query_params"),
        "extract_resource_arn": (
            *("service", "method", "path", "headers", "body", "query_params"),
            *("region", "account_id"),
        ),
        "access_denied_response": ("service", "action", "principal_arn", "request_id"),
        "identity_denial_message": ("action", "principal_arn", "resource", "explicit_deny"),
    },
    "ministack.core.lambda_runtime": {
        "invalidate_worker": ("func_name", "qualifier", "account", "region")
    },
    "ministack.services.lambda_svc": {
        "_execute_function": ("func", "event"),
        "_execute_function_dispatch": ("func", "config", "event", "request_id", "started"),
        "_execute_function_with_config_scope": ("func", "event"),
        "_execution_record_for_config": ("func", "config"),
        "_get_func_record_for_ref_in_scope": ("function_ref", "account_id", "region"),
        "_emit_lambda_metrics": ("function_name", "duration_ms", "error", "throttle"),
        "_effective_func_record_for_qualifier": ("func", "qualifier"),
        "_reserved_concurrency": ("func", "config"),
        "_snapstart_provision_version_async": ("name", "ver_record"),
        "_put_provisioned_concurrency": ("func_name", "qualifier", "data"),
        "_function_config_scope_mismatch": ("config",),
        "_account_region_from_function_config": ("config",),
        "_xray_trace_id_for_invocation": ("config",),
        "_throttle_response": ("reason_code", "msg"),
        "_find_layer_version": ("layer_name", "version", "account_id", "region", "include_deleted"),
        "invalidate_worker": ("func_name", "qualifier", "account", "region"),
        "_validate_total_unzipped_size": ("code_zip", "layers"),
        "_fetch_code_from_s3": ("bucket", "key", "version_id"),
        "_resolve_name": ("name_or_arn",),
        "_functions": (),
        "_layers": (),
    },
    "ministack.core.iam_evaluator": {
        "EvalContext": (),
        "_action_matches": ("request_action", "actions"),
        "_conditions_met": ("conditions", "ctx"),
        "_service_principal_matches": ("principal", "service"),
        "_verified_key": (),
        "resolve_principal": ("access_key_id", "account_id"),
        "evaluate": ("ctx",),
        "pin_signed_request": ("method", "raw_path", "query_params", "raw_headers"),
        "pin_signed_body": ("body",),
        "_is_root_key": ("access_key_id",),
        "enforce": ("access_key_id", "iam_action", "service", "region", "resource_arn"),
        "AuthError": (),
        "_resource_policy": ("service", "resource_arn"),
        "combine_resource_policy": ("identity", "ctx", "policy", "owner_account", "required", "limits"),
    },
    "ministack.services.apigateway_v1": {
        "find_api_scope": ("api_id",),
        "_authorize_request_v1": (
            *("api_id", "stage_name", "method_obj", "method", "request_path", "resource"),
            *("headers", "body", "query_params", "path_params", "stage"),
            *("owner_account_id", "owner_region"),
        ),
        "_iam_caller_identity": ("headers", "query_params"),
        "_model_schema": ("api_id", "model_name"),
        "_create_deployment": ("api_id", "data"),
        "_create_request_validator": ("api_id", "data"),
        "_delete_deployment": ("api_id", "deployment_id"),
        "_delete_rest_api": ("api_id",),
        **dict.fromkeys(
            (
                *("_rest_apis", "_resources", "_stages_v1", "_models", "_api_keys", "_usage_plans"),
                *("_usage_plan_keys", "_request_validators", "_gateway_responses", "_account_settings"),
                "_deployed_gateway_responses",
            ),
            (),
        ),
    },
    "ministack.services.waf": {
        "_associate_web_acl": ("data",),
        "_disassociate_web_acl": ("data",),
        "_associations": (),
        "_web_acls": (),
    },
    "ministack.core.router": {"extract_access_key_id": ("headers", "query_params")},
    "ministack.core.sigv4": {
        "foreign_authorization_failure": ("headers",),
        "header_signature_failure": ("signature", "secret", "method", "raw_path"),
        "parse_header_signature": ("headers",),
        "parse_query_signature": ("query_params",),
        "request_time_failure": ("signature",),
    },
    "ministack.services.sts": {"register_session": ("access_key", "session")},
    "ministack.services.iam": {
        "_roles": (),
        "_instance_profiles": (),
        "_gen_session_access_key": (),
        "_gen_secret": (),
        "_gen_session_token": (),
    },
    "ministack.services.cloudwatch": {
        "record_metric": ("namespace", "metric_name", "value", "unit", "dimensions"),
        "_evaluate_all_alarms": (),
    },
    "ministack.services.cloudwatch_logs": {
        "_filter_log_events": ("data",),
        "_resolve_log_group_name": ("data",),
        "_create_log_group": ("data",),
        "_delete_log_group": ("data",),
        "_log_groups": (),
    },
    "ministack.services.ecr": {
        "_describe_images": ("data",),
        "_find_image": ("repo_name", "image_id"),
        "_get_authorization_token": ("data",),
        "_delete_repository": ("data",),
        "_repositories": (),
        "_manifest_blobs": (),
        "_v2_put_manifest": ("name", "ref", "headers", "body"),
        "_v2_get_manifest": ("name", "ref"),
        "_v2_list_tags": ("name", "query_params"),
    },
    "ministack.services.stepfunctions": {
        "_execute_task": ("state_def", "raw_input", "execution", "ctx"),
        "_fail_execution": ("execution", "error", "cause"),
        "_ExecutionError": ("error", "cause"),
        "_SERVICE_DISPATCH": (),
        "_state_machines": (),
    },
    "ministack.services.s3": {"_buckets": (), "_bucket_tags": (), "_object_versions": ()},
    _PROVISIONERS: {
        "_RESOURCE_HANDLERS": (),
        "_REPLACING_PROPERTIES": (),
        "_CUSTOM_NAME_REPLACEMENT": (),
        "_STACK_TAG_PROPERTY": (),
        "_physical_name": ("stack_name", "logical_id", "lowercase", "max_len"),
    },
    "ministack.services.cloudformation": {"_stacks": (), "_stack_events": ()},
    **{
        f"ministack.services.cloudformation.{module}": {"_resolve_refs": ("value", "resources", "params")}
        for module in ("engine", "changesets", "handlers")
    },
    "ministack.services.cloudformation.stacks": {
        "_resolve_refs": ("value", "resources", "params"),
        "_runs_on_worker_thread": ("resource_type",),
        "_add_event": ("stack_id", "stack_name", "logical_id", "resource_type", "status"),
        "_update_keeping_seed": ("args",),
    },
}  # fmt: skip


class HookMissingError(Exception):
    """ministack is not the version that this plug-in was written for."""


def check() -> None:
    """Raise HookMissingError, naming every hook that is missing or takes other parameters."""
    faults = [
        f"{module}.{name}: {fault}"
        for module, names in _HOOKS.items()
        for name, parameters in names.items()
        if (fault := _fault(module, name, parameters))
    ]
    if faults:
        raise HookMissingError(
            f"this plug-in needs ministack {PINNED}, and {version('ministack')} differs: {'; '.join(faults)}"
        )


def _fault(module: str, name: str, parameters: tuple[str, ...]) -> str | None:
    found = getattr(import_module(module), name, None)
    if found is None:
        return "missing"
    if parameters:
        actual = tuple(inspect.signature(found).parameters)
        if actual[: len(parameters)] != parameters:
            return f"takes {actual}, not {parameters}"
    return None
