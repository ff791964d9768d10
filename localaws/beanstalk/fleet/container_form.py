"""A service run by the container engine of this machine, as its compose file says."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from localaws.beanstalk.fleet.service import Service
from localaws.images.engine import LABEL, Engine, on_host_network
from localaws.images.prebuilt import Launch, Place

# This machine, seen from a container with a network of its own.
_HOSTS = {"docker": "host.docker.internal", "podman": "host.containers.internal"}


def launch(
    engine: Engine,
    owner: str,
    image: str,
    service: Service,
    place: Place,
    variables: Mapping[str, str],
    *,
    own_server: bool,
    release: Callable[[], None],
) -> Launch:
    """Return the engine's command. Values go through its environment: `ps` shows a command line.

    A server of ours listens where it is told, so it shares this machine's network where it can, and reaches
    the embedded AWS there. Any other has a network of its own, with its port published on 127.0.0.1.
    """
    shares_network = own_server and on_host_network()
    inside = {**variables, **_told(place, shares_network)}
    if not shares_network:
        inside["AWS_ENDPOINT_URL"] = (
            f"http://{_HOSTS[engine.name]}:{urlsplit(variables['AWS_ENDPOINT_URL']).port}"
        )
    of_engine = dict(engine.environment)
    options = [*_limits(service), *_network(engine, service, place, shares_network)]
    for name, value in inside.items():
        options += ["--env", f"{name}={value}" if name in of_engine else name]
    entrypoint, *first = service.entrypoint or ("",)
    if entrypoint:
        options += ["--entrypoint", entrypoint]
    name = f"slipway-{owner}-{place.folder.name}"
    return Launch(
        arguments=(
            engine.program, "run", "--rm", "--name", name, "--label", f"{LABEL}={owner}",
            "--platform", "linux/amd64", "--pull", "never", "--log-driver", "none",
            *options, image, *first, *(service.command or ()),
        ),
        environment={**inside, **of_engine},
        cleanup=engine.removal(name),
        release=release,
        grace_s=service.grace_s,
    )  # fmt: skip


def _told(place: Place, shares_network: bool) -> dict[str, str]:
    workers = {"SAGEMAKER_MODEL_SERVER_WORKERS": str(place.workers)}
    if shares_network:
        return {**workers, "SAGEMAKER_BIND_TO_PORT": str(place.port), "SLIPWAY_BIND_HOST": "127.0.0.1"}
    return workers


def _network(engine: Engine, service: Service, place: Place, shares_network: bool) -> list[str]:
    if shares_network:
        return ["--network", "host"]
    # podman knows its host by itself.
    known = ["--add-host", f"{_HOSTS['docker']}:host-gateway"] if engine.name == "docker" else []
    own = "private" if engine.name == "podman" else "bridge"  # whatever the engine's default is
    return ["--network", own, "-p", f"127.0.0.1:{place.port}:{service.port}", *known]


def _limits(service: Service) -> list[str]:
    options = []
    for mount in service.mounts:
        mode = ",readonly" if mount.read_only else ""
        options += ["--mount", f"type=bind,source={mount.source},target={mount.target}{mode}"]
    for flag, values in (
        ("--tmpfs", service.tmpfs),
        ("--cap-drop", service.cap_drop),
        ("--cap-add", service.cap_add),
        ("--security-opt", service.security_opt),
        ("--user", (service.user,) if service.user else ()),
        ("--workdir", (service.working_directory,) if service.working_directory else ()),
    ):
        for value in values:
            options += [flag, value]
    return [*options, *(["--read-only"] if service.read_only else []), *(["--init"] if service.init else [])]
