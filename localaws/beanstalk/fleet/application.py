"""One version on one instance: its bundle, its process, its health."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from localaws.beanstalk.fleet import forms, timing
from localaws.beanstalk.fleet.bundle import BadBundleError, unpack
from localaws.beanstalk.fleet.formats import read_service
from localaws.beanstalk.fleet.host import Host
from localaws.beanstalk.fleet.instance_log import InstanceLog
from localaws.beanstalk.fleet.service import BadServiceError, Service
from localaws.beanstalk.running import Deployment, FleetError
from localaws.errors import ImageError, LocalAwsError
from localaws.images.prebuilt import Place
from localaws.ports import AccessDeniedError, Credentials, NotFoundError, Scope
from localaws.sagemaker.container import Container, UnhealthyError, free_port
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.ping import ping

PRINCIPAL = "ec2.amazonaws.com"
_RESTARTED = ("always", "unless-stopped")
_REASON_LINES = 8
_HOOKS = (".platform/hooks", ".platform/confighooks", ".ebextensions")  # for the machine, which is this one


class Application:
    """A deployment on one instance. `on_exit` hears of a process that ended by itself once it was healthy."""

    def __init__(
        self, host: Host, scope: Scope, instance_id: str, folder: Path, deployment: Deployment,
        log: InstanceLog, on_exit: Callable[["Application", int], None],
    ) -> None:  # fmt: skip
        self.deployment = deployment
        self.deployed_at = time.time()
        self.passed = self.failed = 0
        self._restart = "no"
        self._stopped = False
        self._stopping = threading.Lock()  # an abort may meet the end of a failed start
        self._host = host
        self._scope = scope
        self._instance_id = instance_id
        self._log = log
        self._on_exit = on_exit
        self._prefix = ""
        workers = max(1, (os.cpu_count() or 1) // max(1, deployment.instances))
        place = Place(folder=folder, port=free_port(), workers=workers)
        self._container = Container(
            place, lambda line: log.output((line[0], self._prefix + line[1])),
            self._exited, deployment.health_path,
        )  # fmt: skip

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return self._container.place.port

    @property
    def pid(self) -> int | None:
        """The process group."""
        return self._container.pid

    def start(self) -> None:
        """Fetch the bundle and its image under the instance's role, and start it. Raises FleetError."""
        place, deployment = self._container.place, self.deployment
        place.base.mkdir(parents=True)
        (place.folder / "tmp").mkdir()
        try:
            session = self._session()
            self._log.send(deployment.log_group_prefix, session)
            self._log.engine(f"Starting the deployment of version {deployment.version_label}.")
            service = self._bundle(session)
            self._prefix = f"{service.name}-1  | " if service.name else ""
            self._restart = service.restart
            variables = {**self._variables(session), **service.environment}
            command = forms.launch(
                self._host, service, place, variables, deployment.role_arn, lambda: session
            )
            if self._stopped:
                command.release()
                raise FleetError("The deployment was ended before the application was started.")
            self._log.engine("Starting the container.")
            self._container.start(command)
        except BadServiceError as error:
            raise self._failed(str(error)) from error
        except ApiError as error:
            raise self._failed(f"Failed to pull docker image: {error.__cause__ or error}") from error
        except ImageError as error:
            raise self._failed(f"Failed to pull docker image: {error.why or error}") from error
        except (LocalAwsError, OSError) as error:
            raise self._failed(str(error)) from error

    def wait_until_healthy(self) -> None:
        """Ask for its health until it answers often enough in a row. Raises FleetError."""
        deployment = self.deployment
        if deployment.ignore_health_check:
            return
        deadline = time.monotonic() + timing.timeout_s(deployment)
        try:
            self._container.wait_until_healthy(timing.timeout_s(deployment))
            self.passed = 1
            while self.passed < deployment.healthy_threshold:
                time.sleep(timing.interval_s(deployment))
                self.healthy()
                if not self._container.alive() or time.monotonic() > deadline:
                    raise UnhealthyError("The container was healthy and did not stay so.")
        except UnhealthyError as error:
            raise self._failed(f"The health check did not pass. {error}", with_output=True) from error
        self._log.engine("Instance deployment completed successfully.")

    def healthy(self) -> bool:
        """Ask for its health once; `passed` and `failed` count the answers in a row."""
        healthy = self.alive() and ping(self.port, self.deployment.health_path).healthy
        self.passed, self.failed = (self.passed + 1, 0) if healthy else (0, self.failed + 1)
        return healthy

    def alive(self) -> bool:
        """Whether its process runs."""
        return self._container.alive()

    def stop(self, grace_s: float | None = None) -> None:
        """End the process and remove its folder; None is the grace that the image has."""
        self._stopped = True
        with self._stopping:
            self._container.stop(grace_s)

    def _session(self) -> Credentials:
        role_arn, scope = self.deployment.role_arn, self._scope
        arn = f"arn:aws:ec2:{scope.region}:{scope.account}:instance/{self._instance_id}"
        try:
            return self._host.ports.roles.assume(role_arn, service=PRINCIPAL, source_arn=arn, scope=scope)
        except AccessDeniedError as error:
            raise self._failed(
                f"The instance profile's role {role_arn} cannot be assumed by {PRINCIPAL}: {error}"
            ) from error

    def _bundle(self, session: Credentials) -> Service:
        deployment, place = self.deployment, self._container.place
        archive, folder = place.folder / "bundle.zip", place.folder / "var" / "app" / "current"
        uri = f"s3://{deployment.bucket}/{deployment.key}"
        self._log.engine(f"Downloading the source bundle {uri}.")
        try:
            self._host.ports.objects.download(deployment.bucket, deployment.key, archive, session)
            unpack(archive, folder)
        except (AccessDeniedError, NotFoundError) as error:
            raise self._failed(
                f"Failed to download the source bundle {uri} as {deployment.role_arn}: {error}"
            ) from error
        except BadBundleError as error:
            raise self._failed(str(error)) from error
        archive.unlink()
        for name in _HOOKS:
            if (folder / name).exists():
                self._log.engine(f"{name} of the source bundle is not run on the embedded AWS.")
        return read_service(folder, deployment.properties, deployment.process_port)

    def _variables(self, session: Credentials) -> dict[str, str]:
        """Return how the embedded AWS is reached, and the role's keys, which machines of AWS look up."""
        return {
            "AWS_ENDPOINT_URL": self._host.url,
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
            "AWS_SESSION_TOKEN": session.session_token,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _failed(self, text: str, *, with_output: bool = False) -> FleetError:
        self._log.engine(
            f"An error occurred during execution of command [app-deploy]. Stop running the command. "
            f"Error: {text}",
            "ERROR",
        )
        lines = self._container.tail().splitlines()[-_REASON_LINES:] if with_output else []
        return FleetError(text, lines)

    def _exited(self, code: int) -> bool:
        self._on_exit(self, code)
        return self._restart in _RESTARTED or (self._restart == "on-failure" and code != 0)
