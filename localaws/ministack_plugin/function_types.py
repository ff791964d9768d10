"""Lambda's CloudFormation types, where ministack's differ from AWS's or do not know what runs here."""

import json
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from localaws.errors import LocalAwsError
from localaws.lambda_functions.errors import FailedError
from localaws.lambda_functions.refusals import RefusedError
from localaws.lambda_functions.service import Functions
from localaws.ministack_plugin.function_records import function_of
from localaws.ministack_plugin.function_requests import refuse_missing
from localaws.ministack_plugin.functions import provision
from localaws.ministack_plugin.scope import current
from localaws.ministack_plugin.types import run_on_threads

_FUNCTION, _VERSION, _ALIAS = "AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias"
Json = dict[str, Any]
Created = tuple[str, Json]
Check = Callable[[Json, str], None]


def apply(functions: Functions, check: Check) -> None:
    """Replace the handlers. `check` raises what AWS refuses in a function's properties."""
    _functions(functions, check)
    _versions(functions)
    _aliases(functions)
    _layers()
    run_on_threads(frozenset({_FUNCTION, _VERSION, _ALIAS}))


def _functions(functions: Functions, check: Check) -> None:
    handler = provisioners._RESOURCE_HANDLERS[_FUNCTION]
    create, update, delete = handler["create"], handler["update"], handler["delete"]

    def written(result: Created, props: Json) -> Created:
        name = result[0]
        record = lambda_svc._functions[name]
        reserved = props.get("ReservedConcurrentExecutions")
        record["concurrency"] = None if reserved is None else int(reserved)
        _refuse_too_large(record)
        if function := function_of(record, record["config"]):
            try:
                functions.prepare(function)
            except LocalAwsError as error:
                raise ValueError(str(error)) from error
        return result

    def checked(props: Json) -> None:
        try:
            check(props, props.get("FunctionName") or "")
        except RefusedError as error:
            raise ValueError(_worded(error)) from error

    def created(logical_id: str, props: Json, stack: str) -> Created:
        checked(props)
        result = create(logical_id, props, stack)
        try:
            return written(result, props)
        except ValueError:
            deleted(result[0], props)
            raise

    def updated(physical_id: str, old: Json, new: Json, *more: Any) -> Created:
        checked(new)
        return written(update(physical_id, old, new, *more), new)

    def deleted(name: str, props: Json) -> None:
        delete(name, props)
        functions.forget(current(), name, wait=True)  # its log group goes next: no line may come after

    handler.update(create=created, update=updated, delete=deleted)


def _versions(functions: Functions) -> None:
    handler = provisioners._RESOURCE_HANDLERS[_VERSION]
    create, delete = handler["create"], handler["delete"]

    def created(logical_id: str, props: Json, stack: str) -> Created:
        arn, attributes = create(logical_id, props, stack)
        if config := props.get("ProvisionedConcurrencyConfig"):
            lambda_svc._put_provisioned_concurrency(_name(arn), attributes["Version"], config)
            _provisioned(functions, arn)
        return arn, attributes

    def deleted(physical_id: str, props: Json) -> None:
        delete(physical_id, props)
        functions.forget(current(), _name(physical_id), physical_id.rpartition(":")[2], wait=True)

    handler.update(create=created, delete=deleted)


def _aliases(functions: Functions) -> None:
    handler = provisioners._RESOURCE_HANDLERS[_ALIAS]
    create, update, delete = handler["create"], handler["update"], handler["delete"]

    def created(logical_id: str, props: Json, stack: str) -> Created:
        arn, attributes = create(logical_id, props, stack)
        try:
            _provisioned(functions, arn)
        except ValueError:
            deleted(arn, props)
            raise
        return arn, attributes

    def updated(physical_id: str, old: Json, new: Json, *more: Any) -> Created:
        arn, attributes = update(physical_id, old, new, *more)
        try:
            _provisioned(functions, arn)
        except ValueError:
            update(physical_id, new, old, *more)  # the version that could be started goes on
            raise
        return arn, attributes

    def deleted(physical_id: str, props: Json) -> None:
        delete(physical_id, props)
        _provisioned(functions, physical_id)

    handler.update(create=created, update=updated, delete=deleted)


def _layers() -> None:
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::LayerVersion"]
    create = handler["create"]

    def created(logical_id: str, props: Json, stack: str) -> Created:
        try:
            refuse_missing(props.get("Content") or {})
        except RefusedError as error:
            raise ValueError(_worded(error)) from error
        return create(logical_id, props, stack)  # type: ignore[no-any-return]

    handler.update(create=created)


def _refuse_too_large(record: Json) -> None:
    """Raise ValueError for code that is too large together with its layers."""
    if record["config"]["PackageType"] == "Zip":
        size = lambda_svc._validate_total_unzipped_size(record["code_zip"], record["config"].get("Layers"))
        if size is not None:
            raise ValueError(_worded(RefusedError(json.loads(size[2])["message"])))


def _worded(error: RefusedError) -> str:
    return (
        f'Resource handler returned message: "{error} (Service: Lambda, Status Code: {error.status})" '
        "(HandlerErrorCode: InvalidRequest)"
    )


def _name(arn: str) -> str:
    return arn.split(":")[6]


def _provisioned(functions: Functions, arn: str) -> None:
    try:
        provision(functions, _name(arn))
    except (FailedError, LocalAwsError) as error:
        raise ValueError(
            "Provisioned Concurrency configuration failed to be applied. Reason: "
            f"FUNCTION_ERROR_INIT_FAILURE ({error})"
        ) from error
