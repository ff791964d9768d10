"""The errors SageMaker answers with, in its own words."""


class ApiError(Exception):
    """An error of control plane or runtime: `code` as SDKs know it, HTTP `status`, and extra members."""

    def __init__(self, code: str, message: str, status: int = 400, **members: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


def validation_error(message: str) -> ApiError:
    """Return the control plane's answer to a request it cannot accept."""
    return ApiError("ValidationException", message)


def not_found(kind: str, arn: str) -> ApiError:
    """Return the control plane's answer for an unknown name; `kind` as in "endpoint configuration"."""
    return validation_error(f'Could not find {kind} "{arn}".')


def already_exists(kind: str, arn: str) -> ApiError:
    """Return the control plane's answer to a second create of one name."""
    return validation_error(f'Cannot create already existing {kind} "{arn}".')
