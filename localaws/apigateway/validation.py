"""What a method's request validator refuses.

Source: "Request validation for REST APIs in API Gateway" in the developer guide: a body is validated
against the model of its content type, else of `$default`, and where there is neither it is not validated.
Models are JSON schemas of draft 4. The words of `$context.error.validationErrorString` are those of the
Java validator that AWS uses.
"""

import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import jsonschema
import referencing
from referencing.jsonschema import DRAFT4

from localaws.apigateway.errors import GatewayError, misconfigured
from localaws.apigateway.request import Request
from localaws.apigateway.stage import Deployment, Json, Route

_MAX_NAMED = 20  # errors; a table of 10,000 bad rows would make as many


def validate(deployment: Deployment, route: Route, request: Request) -> None:
    """Raise GatewayError for a missing parameter or a body that its model refuses."""
    validator = deployment.validators.get(route.method.get("requestValidatorId") or "") or {}
    if validator.get("validateRequestParameters"):
        _check_parameters(route, request)
    if validator.get("validateRequestBody"):
        models: Mapping[str, str] = route.method.get("requestModels") or {}
        name = models.get(request.media_type) or models.get("$default")
        if name is not None:
            _check_body(deployment, name, request.body)


def _check_parameters(route: Route, request: Request) -> None:
    query = dict(request.query)
    given: dict[str, Callable[[str], str | None]] = {
        "header": request.header,
        "querystring": query.get,
        "path": route.path_parameters.get,
    }
    missing = []
    for source, required in (route.method.get("requestParameters") or {}).items():
        place, _, name = source.removeprefix("method.request.").partition(".")
        if required and not given[place](name):
            missing.append(name)
    if missing:
        raise GatewayError(
            "BAD_REQUEST_PARAMETERS", f"Missing required request parameters: [{', '.join(missing)}]"
        )


def _check_body(deployment: Deployment, model: str, body: bytes) -> None:
    schema = deployment.models.get(model, {})
    try:
        document = json.loads(body, parse_constant=_refuse)
        errors = jsonschema.Draft4Validator(schema, registry=_registry(deployment)).iter_errors(document)
        found = [_words(error) for error in islice(errors, _MAX_NAMED)]
    except (ValueError, RecursionError):
        raise _invalid(["Unknown error parsing request body"]) from None
    except (jsonschema.SchemaError, referencing.exceptions.Unresolvable) as error:
        raise misconfigured(f"the model {model} is no valid schema: {error}") from error
    if found:
        raise _invalid(found)


def _registry(deployment: Deployment) -> Any:
    """Return what `$ref` may name: the API's own models. Nothing is fetched."""
    address = f"https://apigateway.amazonaws.com/restapis/{deployment.api['id']}/models/"
    return referencing.Registry().with_resources(
        (address + name, DRAFT4.create_resource(schema)) for name, schema in deployment.models.items()
    )


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _invalid(errors: list[str]) -> GatewayError:
    return GatewayError("BAD_REQUEST_BODY", "Invalid request body", validation=f"[{', '.join(errors)}]")


def _words(error: Any) -> str:
    """Return one violation as AWS words it; for keywords beyond the common ones, as this library does."""
    limit, instance = error.validator_value, error.instance
    words: dict[str, Callable[[], str]] = {
        "type": lambda: (
            f"instance type ({_type(instance)}) does not match any allowed primitive type "
            f"(allowed: {_list(limit if isinstance(limit, list) else [limit])})"
        ),
        "required": lambda: f"object has missing required properties ({_list(set(limit) - set(instance))})",
        "additionalProperties": lambda: (
            "object instance has properties which are not allowed by the schema: "
            f"{_list(set(instance) - set(error.schema.get('properties', {})))}"
        ),
        "maxItems": lambda: (
            f"array is too long: must have at most {limit} elements but instance has {len(instance)} elements"
        ),
        "minItems": lambda: (
            f"array is too short: must have at least {limit} elements but instance has {len(instance)} "
            "elements"
        ),
        "maxLength": lambda: (
            f"string {json.dumps(instance)} is too long (length: {len(instance)}, maximum allowed: {limit})"
        ),
        "minLength": lambda: (
            f"string {json.dumps(instance)} is too short (length: {len(instance)}, required minimum: {limit})"
        ),
        "maximum": lambda: (
            f"numeric instance is greater than the required maximum (maximum: {limit}, found: {instance})"
        ),
        "minimum": lambda: (
            f"numeric instance is lower than the required minimum (minimum: {limit}, found: {instance})"
        ),
        "anyOf": lambda: f"instance failed to match at least one required schema among {len(limit)}",
        "oneOf": lambda: f"instance failed to match exactly one schema (matched 0 out of {len(limit)})",
        "enum": lambda: (
            f"instance value ({json.dumps(instance)}) not found in enum (possible values: {_list(limit)})"
        ),
    }
    return words.get(error.validator, lambda: str(error.message))()


def _type(instance: Any) -> str:
    if isinstance(instance, bool):
        return "boolean"
    names = {
        dict: "object",
        list: "array",
        str: "string",
        int: "integer",
        float: "number",
        type(None): "null",
    }
    return names[type(instance)]


def _list(values: Any) -> str:
    ordered: list[Json] = sorted(values, key=str)
    return json.dumps(ordered, separators=(",", ":"))
