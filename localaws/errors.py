"""What can go wrong with the embedded AWS, one class a cause. Standard library only."""

from typing import ClassVar


class LocalAwsError(Exception):
    """An error that says what happened (`message`), why (`cause`) and what to do (`fix`)."""

    code: ClassVar[str] = "E-LOCAL-AWS"

    def __init__(self, message: str, *, cause: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.fix = fix


class PortInUseError(LocalAwsError):
    """Something else listens on the port."""

    code = "E-PORT-IN-USE"

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} on 127.0.0.1 is in use",
            cause="another program, or an embedded AWS of another folder, listens on it",
            fix=f"stop that program, or choose another: slipway deploy --port {port + 1}",
        )


class EnvironmentBuildError(LocalAwsError):
    """A locked Python environment could not be built."""

    code = "E-ENVIRONMENT"


class ServerDidNotStartError(LocalAwsError):
    """The server process ended, or did not answer in time."""

    code = "E-LOCAL-AWS-START"


class ServerNotRunningError(LocalAwsError):
    """Something asked the embedded AWS while none runs."""

    code = "E-LOCAL-AWS-DOWN"

    def __init__(self) -> None:
        super().__init__(
            "no embedded AWS runs for this folder",
            cause="it was not started, or it ended",
            fix="start it, then try again",
        )
