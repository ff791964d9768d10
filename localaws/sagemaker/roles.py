"""The role that something of SageMaker's runs under."""

from localaws.ports import AccessDeniedError, Credentials, Ports, Scope
from localaws.sagemaker.errors import validation_error

PRINCIPAL = "sagemaker.amazonaws.com"


def assume(ports: Ports, role_arn: str, source_arn: str, scope: Scope) -> Credentials:
    """Return a session of the role for the resource `source_arn`. Raises the ValidationException."""
    try:
        return ports.roles.assume(role_arn, service=PRINCIPAL, source_arn=source_arn, scope=scope)
    except AccessDeniedError as error:
        raise validation_error(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
            f"'{PRINCIPAL}' to assume the role."
        ) from error
