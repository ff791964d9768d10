"""What of a method's parameter mappings API Gateway refuses when the method is made.

A mapping may name only what the method declares: request parameters in `RequestParameters`, headers of a
response in the `MethodResponses` of its status. Sources: "Set up request and response data mappings using
the API Gateway console" in the developer guide; the words are those that CloudFormation shows.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Properties = Mapping[str, Any]


def fault(props: Properties) -> str | None:
    """Return why a method with these properties (of AWS::ApiGateway::Method) is refused, or None."""
    found = next(_faults(props), None)
    if found is None:
        return None
    told = f"Validation Result: warnings : [], errors : [{found}]"
    return f"Invalid mapping expression specified: {told} (Service: ApiGateway, Status Code: 400)"


def _faults(props: Properties) -> Iterator[str]:
    integration = props.get("Integration") or {}
    declared = props.get("RequestParameters") or {}
    for source in (integration.get("RequestParameters") or {}).values():
        # Path parameters are declared by the resource's path.
        if str(source).startswith(("method.request.header.", "method.request.querystring.")) and (
            source not in declared
        ):
            yield f"Invalid mapping expression parameter specified: {source}"
    responses = {str(entry["StatusCode"]): entry for entry in props.get("MethodResponses") or []}
    for entry in integration.get("IntegrationResponses") or []:
        targets = entry.get("ResponseParameters") or {}
        response = responses.get(str(entry["StatusCode"]))
        if targets and response is None:
            yield "No method response exists for method."
        for target in targets:
            if target not in ((response or {}).get("ResponseParameters") or {}):
                yield f"Invalid mapping expression parameter specified: {target}"
