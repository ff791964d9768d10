"""Lambda's CloudFormation types, where ministack's differ from AWS's or do not know what runs here."""

from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from localaws.errors import LocalAwsError
from localaws.lambda_functions.errors import FailedError
from localaws.lambda_functions.service import Functions
from localaws.ministack_plugin.function_records import function_of
from localaws.ministack_plugin.functions import provision
from localaws.ministack_plugin.scope import current
from localaws.ministack_plugin.types import run_on_threads

_FUNCTION, _VERSION, _ALIAS = "AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias"
Json = dict[str, Any]
Created = tuple[str, Json]
Check = Callable[[str], None]


def apply(functions: Functions, check: Check) -> None:
    """Replace the handlers. `check` raises what AWS refuses of a function that was just written."""
    _functions(functions, check)
    _versions(functions)
    _aliases(functions)
    run_on_threads(frozenset({_FUNCTION, _VERSION, _ALIAS}))


def _functions(functions: Functions, check: Check) -> None:
    handler = provisioners._RESOURCE_HANDLERS[_FUNCTION]
    create, update, delete = handler["create"], handler["update"], handler["delete"]

    def written(result: Created, props: Json) -> Created:
        name = result[0]
        record = lambda_svc._functions[name]
        reserved = props.get("ReservedConcurrentExecutions")
        record["concurrency"] = None if reserved is None else int(reserved)
        check(name)
        if function := function_of(record, record["config"]):
            try:
                functions.prepare(function)
            except LocalAwsError as error:
                raise ValueError(str(error)) from error
        return result

    def created(logical_id: str, props: Json, stack: str) -> Created:
        result = create(logical_id, props, stack)
        try:
            return written(result, props)
        except ValueError:
            deleted(result[0], props)
            raise

    def updated(physical_id: str, old: Json, new: Json, *more: Any) -> Created:
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

    def created(*arguments: Any) -> Created:
        arn, attributes = create(*arguments)
        _provisioned(functions, arn)
        return arn, attributes

    def updated(*arguments: Any) -> Created:
        arn, attributes = update(*arguments)
        _provisioned(functions, arn)
        return arn, attributes

    def deleted(physical_id: str, props: Json) -> None:
        delete(physical_id, props)
        _provisioned(functions, physical_id)

    handler.update(create=created, update=updated, delete=deleted)


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
