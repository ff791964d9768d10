"""The integration MOCK: the request template says a status, and the responses are mapped as those of any
other.

Source: "Mock integrations for REST APIs in API Gateway" in the developer guide.
"""

import json

from localaws.apigateway.errors import misconfigured
from localaws.apigateway.exchange import Exchange
from localaws.apigateway.mapping import Incoming, outgoing, response
from localaws.apigateway.request import Answer
from localaws.apigateway.stage import Route


def answered(exchange: Exchange, route: Route) -> Answer:
    """Return the mapped response. Raises GatewayError: 500 where the template gives no status."""
    sent = outgoing(exchange, route)
    if not sent.templated:
        raise misconfigured("a MOCK integration has no request template for this content type")
    try:
        status = int(json.loads(sent.body)["statusCode"])
    except (ValueError, KeyError, TypeError) as error:
        raise misconfigured("the request template of a MOCK integration gives no statusCode") from error
    return response(exchange, route, Incoming(status))
