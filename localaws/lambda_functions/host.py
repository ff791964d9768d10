"""What all functions of one embedded AWS share."""

from dataclasses import dataclass
from pathlib import Path

from localaws.lambda_functions.errors import FailedError
from localaws.lambda_functions.function import Function
from localaws.lambda_functions.unpacked import Unpacked
from localaws.ports import AccessDeniedError, Credentials, RoleSessions
from localaws.sagemaker.logs import LogShipper

PRINCIPAL = "lambda.amazonaws.com"


@dataclass(frozen=True)
class Host:
    """`url` is where the embedded AWS listens; `folder` takes what its functions need while they run."""

    roles: RoleSessions
    shipper: LogShipper
    unpacked: Unpacked
    folder: Path
    envs: Path
    url: str

    def session(self, function: Function) -> Credentials:
        """Return a session of the function's role. Raises FailedError."""
        try:
            return self.roles.assume(
                function.role_arn, service=PRINCIPAL, source_arn=function.arn, scope=function.scope
            )
        except AccessDeniedError as error:
            raise FailedError(
                "AccessDeniedException", "The role defined for the function cannot be assumed by Lambda."
            ) from error
