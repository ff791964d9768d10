"""The errors API Gateway itself answers with: gateway response types, statuses and texts.

Sources: "Gateway response types for API Gateway" and "Handling Lambda errors using an API Gateway API" in
AWS's developer guides. What they leave open (the texts, and `x-amzn-ErrorType`) is as the service is seen
to answer.
"""

from types import MappingProxyType

STATUS = MappingProxyType(
    {
        "ACCESS_DENIED": 403,
        "API_CONFIGURATION_ERROR": 500,
        "AUTHORIZER_CONFIGURATION_ERROR": 500,
        "AUTHORIZER_FAILURE": 500,
        "BAD_REQUEST_BODY": 400,
        "BAD_REQUEST_PARAMETERS": 400,
        "EXPIRED_TOKEN": 403,
        "INTEGRATION_FAILURE": 504,
        "INTEGRATION_TIMEOUT": 504,
        "INVALID_API_KEY": 403,
        "INVALID_SIGNATURE": 403,
        "MISSING_AUTHENTICATION_TOKEN": 403,
        "QUOTA_EXCEEDED": 429,
        "REQUEST_TOO_LARGE": 413,
        "RESOURCE_NOT_FOUND": 404,
        "THROTTLED": 429,
        "UNAUTHORIZED": 401,
        "UNSUPPORTED_MEDIA_TYPE": 415,
        "WAF_FILTERED": 403,
    }
)
_ERROR_TYPE = MappingProxyType(
    {
        "ACCESS_DENIED": "AccessDeniedException",
        "API_CONFIGURATION_ERROR": "InternalServerErrorException",
        "BAD_REQUEST_BODY": "BadRequestException",
        "BAD_REQUEST_PARAMETERS": "BadRequestException",
        "DEFAULT_5XX": "InternalServerErrorException",
        "EXPIRED_TOKEN": "ExpiredTokenException",
        "INTEGRATION_FAILURE": "InternalServerErrorException",
        "INTEGRATION_TIMEOUT": "InternalServerErrorException",
        "INVALID_API_KEY": "ForbiddenException",
        "INVALID_SIGNATURE": "InvalidSignatureException",
        "MISSING_AUTHENTICATION_TOKEN": "MissingAuthenticationTokenException",
        "QUOTA_EXCEEDED": "LimitExceededException",
        "REQUEST_TOO_LARGE": "RequestTooLargeException",
        "THROTTLED": "TooManyRequestsException",
        "UNAUTHORIZED": "UnauthorizedException",
        "UNSUPPORTED_MEDIA_TYPE": "UnsupportedMediaTypeException",
        "WAF_FILTERED": "ForbiddenException",
    }
)
INTERNAL = "Internal server error"


class GatewayError(Exception):
    """A request that the gateway answers itself, through the gateway response of `response_type`.

    `status` stands where a type has none of its own (DEFAULT_4XX, DEFAULT_5XX). `validation` is what the
    request validator found, `detail` why an integration failed; the first is
    $context.error.validationErrorString, the second only $context.integrationErrorMessage.
    """

    def __init__(
        self, response_type: str, message: str, *, status: int | None = None, error_type: str | None = None,
        validation: str | None = None, detail: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.response_type = response_type
        self.message = message
        self.status = status or STATUS.get(response_type, 500)
        self.error_type = error_type or _ERROR_TYPE.get(response_type)
        self.validation = validation
        self.detail = detail


def missing_token() -> GatewayError:
    """Return the answer to an unsigned request, and to a path or method that the API has not."""
    return GatewayError("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")


def misconfigured(detail: str) -> GatewayError:
    """Return the answer where Lambda or a service refused the gateway itself."""
    return GatewayError("API_CONFIGURATION_ERROR", INTERNAL, detail=detail)


def failed(detail: str) -> GatewayError:
    """Return the answer where a function failed, or answered what is no answer: 502."""
    return GatewayError("DEFAULT_5XX", INTERNAL, status=502, detail=detail)


def timed_out() -> GatewayError:
    """Return the answer where an integration took longer than its time limit."""
    return GatewayError("INTEGRATION_TIMEOUT", "Endpoint request timed out", detail="Execution timed out")
