"""Where ministack's CloudFormation types for APIs and web ACLs leave out what a template says.

One function a difference.
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import apigateway_v1, waf
from ministack.services.cloudformation import provisioners

from localaws.apigateway import mapping_checks
from localaws.cloudformation.schemas import CreateOnly

Properties = Mapping[str, Any]
_HANDLERS = provisioners._RESOURCE_HANDLERS
_REPLACED = (
    "AWS::ApiGateway::ApiKey",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::GatewayResponse",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Model",
    "AWS::ApiGateway::RequestValidator",
    "AWS::ApiGateway::Resource",
    "AWS::ApiGateway::Stage",
    "AWS::ApiGateway::UsagePlanKey",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::WAFv2::WebACLAssociation",
)


def apply() -> None:
    """Apply all of them."""
    _make_validators()
    _refuse_undeclared_mappings()
    _keep_validators_and_conversions()
    _keep_access_logs()
    _keep_key_sources()
    _associate_web_acls()
    _keep_logging_configurations()
    _replace_what_aws_replaces()


def _after(resource_type: str, change: Callable[[Properties], None]) -> None:
    """Let `change` see a resource's properties behind its creation and each update in place."""
    handler = _HANDLERS[resource_type]
    create, update = handler["create"], handler["update"]

    def created(logical_id: str, props: Properties, *more: Any) -> Any:
        answer = create(logical_id, props, *more)
        change(props)
        return answer

    def updated(physical_id: str, old: Properties, new: Properties, *more: Any) -> Any:
        answer = update(physical_id, old, new, *more)
        change(new)
        return answer

    handler["create"], handler["update"] = created, updated


def _make_validators() -> None:
    """A request validator gets an id and nothing else, so that no request is validated."""

    def create(_logical_id: str, props: Properties, _stack: str) -> tuple[str, dict[str, Any]]:
        status, _, body = apigateway_v1._create_request_validator(props["RestApiId"], _validator(props))
        if status >= 400:
            raise ValueError(f"AWS::ApiGateway::RequestValidator create failed: {body!r}")
        validator_id = json.loads(body)["id"]
        return validator_id, {"RequestValidatorId": validator_id}

    def update(
        physical_id: str, _old: Properties, new: Properties, _stack: str
    ) -> tuple[str, dict[str, Any]]:
        apigateway_v1._request_validators[new["RestApiId"]][physical_id] |= _validator(new)
        return physical_id, {"RequestValidatorId": physical_id}

    def delete(physical_id: str, props: Properties) -> None:
        (apigateway_v1._request_validators.get(props["RestApiId"]) or {}).pop(physical_id, None)

    _HANDLERS["AWS::ApiGateway::RequestValidator"] |= {"create": create, "update": update, "delete": delete}


def _validator(props: Properties) -> dict[str, Any]:
    return {
        "name": props.get("Name", ""),
        # A template may say either as text.
        "validateRequestBody": str(props.get("ValidateRequestBody", False)).lower() == "true",
        "validateRequestParameters": str(props.get("ValidateRequestParameters", False)).lower() == "true",
    }


def _refuse_undeclared_mappings() -> None:
    """A mapping of a parameter that the method does not declare is taken; AWS refuses the method."""
    handler = _HANDLERS["AWS::ApiGateway::Method"]
    create, update = handler["create"], handler["update"]

    def check(props: Properties) -> None:
        if text := mapping_checks.fault(props):
            raise ValueError(f'Resource handler returned message: "{text}"')

    def created(logical_id: str, props: Properties, *more: Any) -> Any:
        check(props)
        return create(logical_id, props, *more)

    def updated(physical_id: str, old: Properties, new: Properties, *more: Any) -> Any:
        check(new)
        return update(physical_id, old, new, *more)

    handler["create"], handler["update"] = created, updated


def _keep_validators_and_conversions() -> None:
    """A method's request validator, and how its integration converts bodies, are dropped."""

    def change(props: Properties) -> None:
        resource = apigateway_v1._resources[props["RestApiId"]][props["ResourceId"]]
        method = resource["resourceMethods"][props["HttpMethod"]]
        method["requestValidatorId"] = props.get("RequestValidatorId")
        if integration := method.get("methodIntegration"):
            integration["contentHandling"] = (props.get("Integration") or {}).get("ContentHandling")

    _after("AWS::ApiGateway::Method", change)


def _keep_access_logs() -> None:
    """A stage's access log is dropped."""

    def change(props: Properties) -> None:
        stage = apigateway_v1._stages_v1[props["RestApiId"]][props["StageName"]]
        setting = props.get("AccessLogSetting") or {}
        stage["accessLogSettings"] = {
            name: setting[member]
            for member, name in (("DestinationArn", "destinationArn"), ("Format", "format"))
            if setting.get(member)
        }

    _after("AWS::ApiGateway::Stage", change)


def _keep_key_sources() -> None:
    """Where an API reads keys from, and whether its own address is off, are dropped at its creation."""
    handler = _HANDLERS["AWS::ApiGateway::RestApi"]
    create = handler["create"]

    def created(logical_id: str, props: Properties, *more: Any) -> Any:
        answer = create(logical_id, props, *more)
        api = apigateway_v1._rest_apis[answer[0]]
        api["apiKeySource"] = props.get("ApiKeySourceType", "HEADER")
        api["disableExecuteApiEndpoint"] = props.get("DisableExecuteApiEndpoint", False)
        return answer

    handler["create"] = created


def _associate_web_acls() -> None:
    """The type is missing. Its `Ref` is "RESOURCE_ARN|WEB_ACL_ARN"; both properties replace it."""

    def create(_logical_id: str, props: Properties, _stack: str) -> tuple[str, dict[str, Any]]:
        status, _, body = waf._associate_web_acl(dict(props))
        if status >= 400:
            raise ValueError(f"AWS::WAFv2::WebACLAssociation create failed: {body!r}")
        return f"{props['ResourceArn']}|{props['WebACLArn']}", {}

    def delete(_physical_id: str, props: Properties) -> None:
        # A replacement has by now associated the stage with another one.
        if waf._associations.get(props["ResourceArn"]) == props["WebACLArn"]:
            waf._disassociate_web_acl(dict(props))

    _HANDLERS["AWS::WAFv2::WebACLAssociation"] = {"create": create, "delete": delete}


def _keep_logging_configurations() -> None:
    """The type is missing. `Ref` is the web ACL's ARN. Nothing is logged here: see the decision on APIs."""

    def create(_logical_id: str, props: Properties, _stack: str) -> tuple[str, dict[str, Any]]:
        return str(props["ResourceArn"]), {"ManagedByFirewallManager": False}

    def update(
        physical_id: str, _old: Properties, _new: Properties, _stack: str
    ) -> tuple[str, dict[str, Any]]:
        return physical_id, {"ManagedByFirewallManager": False}

    def delete(_physical_id: str, _props: Properties) -> None:
        return

    _HANDLERS["AWS::WAFv2::LoggingConfiguration"] = {"create": create, "update": update, "delete": delete}


def _replace_what_aws_replaces() -> None:
    """Make a replacement before the old resource goes, and tell it in change sets.

    ministack's own updates delete first.
    """
    create_only = {name: CreateOnly(name) for name in _REPLACED}
    provisioners._REPLACING_PROPERTIES.update(create_only)
    handler = _HANDLERS["AWS::ApiGateway::RestApi"]
    create = handler["create"]

    def read() -> None:
        for names in create_only.values():
            len(names)

    def created(*arguments: Any) -> Any:
        answer = create(*arguments)
        # Beside the deployment: the next change set wants the schemas, on the event loop.
        threading.Thread(target=read, daemon=True).start()
        return answer

    handler["create"] = created
