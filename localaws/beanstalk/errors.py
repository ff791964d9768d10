"""The errors Elastic Beanstalk answers with, in its own words."""


class ApiError(Exception):
    """An error of the API: `code` as SDKs know it, the message, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def invalid_value(message: str) -> ApiError:
    """Return the answer to a value that names nothing, or nothing that can be used now."""
    return ApiError("InvalidParameterValue", message)


def invalid_combination(message: str) -> ApiError:
    """Return the answer to values that do not go together."""
    return ApiError("InvalidParameterCombination", message)


def missing(member: str) -> ApiError:
    """Return the answer to a request without something that it needs."""
    return ApiError("MissingParameter", f"The request must contain the parameter {member}.")


def in_progress(message: str) -> ApiError:
    """Return the answer to a second change of one thing at one time."""
    return ApiError("OperationInProgressFailure", message)
