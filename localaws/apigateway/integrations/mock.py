"""The integration MOCK: the request template says a status, and the responses are mapped as those of any
other.

Source: "Mock integrations for REST APIs in API Gateway" in the developer guide. Names without quotes
are taken: the CDK's preflights are `{ statusCode: 200 }`, and AWS answers them.
"""

import json
import re

from localaws.apigateway.errors import misconfigured
from localaws.apigateway.exchange import Exchange
from localaws.apigateway.mapping import Incoming, outgoing, response
from localaws.apigateway.request import Answer
from localaws.apigateway.stage import Route

_BARE_NAME = re.compile(rb"([{,]\s*)([A-Za-z_]\w*)(?=\s*:)")


def answered(exchange: Exchange, route: Route) -> Answer:
    """Return the mapped response. Raises GatewayError: 500 where the template gives no status."""
    sent = outgoing(exchange, route)
    if not sent.templated:
        raise misconfigured("a MOCK integration has no request template for this content type")
    try:
        status = int(json.loads(_BARE_NAME.sub(rb'\1"\2"', sent.body))["statusCode"])
    except (ValueError, KeyError, TypeError) as error:
        raise misconfigured("the request template of a MOCK integration gives no statusCode") from error
    return response(exchange, route, Incoming(status))
