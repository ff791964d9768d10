"""What can go wrong with the embedded AWS, one class a cause. Standard library only."""

from slipway.errors import SlipwayError


class LocalAwsError(SlipwayError):
    """The embedded AWS cannot do what was asked."""

    code = "E-LOCAL-AWS"


class PortInUseError(LocalAwsError):
    """Something else listens on the port."""

    code = "E-PORT-IN-USE"

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} on 127.0.0.1 is in use",
            why="another program, or an embedded AWS of another folder, listens on it",
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
            why="it was not started, or it ended",
            fix="start it, then try again",
        )


class EngineMissingError(LocalAwsError):
    """The container engine that was asked for does not answer, or one is needed and there is none."""

    code = "E-CONTAINER-ENGINE"

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        super().__init__(
            what,
            why=why or "the program is missing, or its daemon does not run",
            fix=fix or "start it, or set SLIPWAY_ENGINE to docker, podman or none; then run slipway doctor",
        )


class ImageError(LocalAwsError):
    """A container image could not be built, published or fetched."""

    code = "E-IMAGE"


class BalancerError(LocalAwsError):
    """The load balancer could not do what it was told."""

    code = "E-LOAD-BALANCER"

    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            f"the load balancer could not {what}",
            why=why,
            fix="look into the log of the embedded AWS, then do the same again",
        )
