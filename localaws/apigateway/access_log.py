"""The line that a stage's access log gets for one request.

Source: "Variables for access logging for API Gateway" and "Set up CloudWatch logging for REST APIs" in the
API Gateway developer guide. The format is one line of text with variables; what a request has not is "-".
"""

import re

from localaws.apigateway.exchange import Exchange, looked_up

_VARIABLE = re.compile(r"\$\{?(context(?:\.[A-Za-z][\w-]*)+)\}?")


def line(template: str, exchange: Exchange) -> str:
    """Return the line of one request, refused or not.

    Values are put in as they are, but no value can end the line, or the string of JSON that it is in.
    """
    context = exchange.log_context()

    def text(match: re.Match[str]) -> str:
        found = looked_up(context, match[1].removeprefix("context."))
        if found is None or isinstance(found, dict):
            return "-"
        plain = str(found)
        # The one variable that brings its own quotes.
        return plain if match[1].endswith("messageString") else _escaped(plain)

    return _VARIABLE.sub(text, template.strip())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n")
