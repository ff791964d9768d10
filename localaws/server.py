"""Puts the embedded AWS together and serves it until SIGTERM. Runs in the package's own environment."""

import os
import shutil
import signal
from dataclasses import asdict
from typing import Any

import uvicorn

from localaws.apigateway.door import Door
from localaws.apigateway.gateway import Gateway, Parts
from localaws.apigateway.integrations.sagemaker import SageMakerIntegration
from localaws.apigateway.records import Recorder
from localaws.apigateway.throttling import Throttle
from localaws.apigateway.waf import Firewall
from localaws.beanstalk.assembly import assemble
from localaws.beanstalk.service import Beanstalk
from localaws.clients import HttpImageSource, HttpLogSink, HttpObjectStore, Loopback
from localaws.cloudformation import beanstalk as beanstalk_types
from localaws.cloudformation import sagemaker as sagemaker_types
from localaws.gate import Gate
from localaws.images import ENTRIES, ImageTable
from localaws.images.container_image import LoadedImages
from localaws.images.defined_image import Contexts
from localaws.images.engine import find_engine, owner_of
from localaws.images.own import OwnImages
from localaws.images.registry import Blobs, Registry
from localaws.inventory import Resource
from localaws.lambda_functions.environment import Form
from localaws.lambda_functions.function import Function
from localaws.lambda_functions.host import Host as LambdaHost
from localaws.lambda_functions.images import FunctionImages
from localaws.lambda_functions.package import Package
from localaws.lambda_functions.service import Functions
from localaws.lambda_functions.unpacked import Unpacked
from localaws.ports import Ports
from localaws.processes import descendants
from localaws.sagemaker.fleet import Host
from localaws.sagemaker.logs import LogShipper
from localaws.sagemaker.metrics import InvocationMeter
from localaws.sagemaker.service import SageMaker
from localaws.state import HEALTH_PATH, INVENTORY_PATH, Run, StateFolder

_GRACE_S = 1  # for connections still open at SIGTERM
_KEEP_ALIVE_S = 75


def serve(state: StateFolder, run: Run) -> None:
    """Serve on 127.0.0.1 at the run's port; on SIGTERM end what was started and remove the run's folders."""
    variables = dict(os.environ)  # before ministack's: a container engine may be reached through some
    _configure_ministack(run.port)
    # Only now: ministack reads its settings when it is imported.
    from ministack.app import app

    from localaws.ministack_plugin import (
        addresses,
        api_callers,
        api_functions,
        api_gateway,
        api_types,
        events,
        fixes,
        function_requests,
        function_types,
        functions,
        hooks,
        inventory,
        log_groups,
        ports,
        registry,
        services,
        states,
        types,
    )

    hooks.check()
    url = f"http://127.0.0.1:{run.port}"
    loopback = Loopback(url, "us-east-1")
    log_sink = HttpLogSink(loopback)
    all_ports = Ports(
        ports.MinistackRoleSessions(), HttpObjectStore(loopback), log_sink, ports.MinistackMetrics()
    )
    loaded = LoadedImages(lambda: find_engine(variables), owner_of(state.folder), state.folder)
    images, contexts = HttpImageSource(loopback), Contexts(state.tmp / "contexts")
    own = OwnImages(url, images, loaded, contexts)
    host = Host(all_ports, ImageTable(ENTRIES, own), LogShipper(log_sink), state.fleets, state.envs, url)
    meter = InvocationMeter(all_ports.metrics)
    sagemaker = SageMaker(host, meter)
    lambda_host = LambdaHost(
        all_ports.roles, host.shipper, Unpacked(state.fleets), state.fleets, state.envs, url
    )
    function_images = FunctionImages(url, images, loaded, contexts, state.envs)

    def form_of(function: Function) -> Form:
        if function.image:
            return function_images.form(function)
        return Package.prepare(function, state.envs, lambda_host.unpacked)

    lambdas = Functions(lambda_host, form_of)
    beanstalk = assemble(all_ports, loopback, own, loaded, log_groups.MinistackLogGroups(), state, url)
    services.register((services.sagemaker_row(sagemaker), services.beanstalk_row(beanstalk)))
    types.register((*sagemaker_types.resource_types(sagemaker), *beanstalk_types.resource_types(beanstalk)))
    fixes.apply()
    functions.apply(lambdas, meter)
    requests = function_requests.Requests(lambdas, all_ports.roles, function_images)
    requests.apply()
    function_types.apply(lambdas, requests.check)
    events.apply()
    addresses.apply(url)
    states.apply(all_ports.roles, loopback)
    blobs = Blobs(state.tmp / "registry")
    apis = api_gateway.MinistackApis(all_ports.roles)
    gateway = Gateway(
        Parts(
            apis,
            api_callers.MinistackCallers(),
            Throttle(apis),
            api_functions.MinistackFunctions(),
            SageMakerIntegration(url, all_ports.roles),
            Recorder(HttpLogSink(loopback, makes_groups=False), apis, all_ports.metrics),
            Firewall(),
        )
    )
    api_types.apply()
    door = Registry(Door(app, gateway.answer, apis.owns), registry.MinistackRepositories(blobs.forget), blobs)

    def listed() -> dict[str, Any]:
        found = [*inventory.resources(), *_sagemaker_resources(sagemaker), *loaded.inventory()]
        found += beanstalk.inventory()
        return _inventory(found, inventory.bootstrap_names(), sagemaker, lambdas, beanstalk, state)

    def stop() -> None:
        sagemaker.stop()
        lambdas.stop()
        beanstalk.stop()

    answers = {HEALTH_PATH: lambda: {"pid": os.getpid()}, INVENTORY_PATH: listed}
    config = uvicorn.Config(
        Gate(door, run.token, answers, stop),
        host="127.0.0.1", port=run.port, http="httptools", ws="none", log_config=None, access_log=False,
        server_header=False, date_header=False,  # ministack sets both as AWS does
        timeout_keep_alive=_KEEP_ALIVE_S, timeout_graceful_shutdown=_GRACE_S,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises the signal again once it has shut down
    uvicorn.Server(config).run()
    _end(state)


def _configure_ministack(port: int) -> None:
    os.environ.update(
        AUTH="true",
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LOG_LEVEL="WARNING",
        MINISTACK_REGION="us-east-1",
        MINISTACK_ACCOUNT_ID="000000000000",
        AWS_ACCESS_KEY_ID="000000000000",  # what ministack takes as the root user's keys
        AWS_SECRET_ACCESS_KEY="local",  # noqa: S106  not a secret: whoever reaches this port is root here
        DOCKER_HOST="unix:///nonexistent",  # nothing here is for a container engine
    )


def _sagemaker_resources(service: SageMaker) -> list[Resource]:
    return [
        Resource("sagemaker", store.kind, name, getattr(item, "status", ""))
        for region in service.regions
        for store in (
            region.models,
            region.configs,
            region.endpoints,
            region.package_groups,
            region.packages,
            region.transform_jobs,
            region.training_jobs,
        )
        for name, item in store.items.items()
    ]


def _kept(entry: Resource) -> bool:
    """Whether AWS itself keeps it.

    A key that waits for its end, the record of a job that has ended, and Elastic Beanstalk's empty bucket.
    """
    return (
        (entry.kind, entry.detail) == ("key", "PendingDeletion")
        or (entry.kind.endswith("-job") and entry.detail in ("Completed", "Failed", "Stopped"))
        or ((entry.kind, entry.detail, entry.name[:17]) == ("bucket", "0 objects", "elasticbeanstalk-"))
    )


def _inventory(
    found: list[Resource],
    bootstrap: frozenset[str],
    service: SageMaker,
    lambdas: Functions,
    beanstalk: Beanstalk,
    state: StateFolder,
) -> dict[str, Any]:
    pending = [entry for entry in found if _kept(entry)]
    toolkit = [entry for entry in found if entry.name in bootstrap and entry not in pending]
    fleets = [
        fleet
        for region in service.regions
        for endpoint in region.endpoints.items.values()
        if endpoint.traffic
        for fleet in endpoint.traffic.fleets
    ]
    jobs = (
        port
        for region in service.regions
        for job in region.transform_jobs.items.values()
        for port in job.ports
    )
    return {
        "resources": [asdict(entry) for entry in found if entry not in pending and entry not in toolkit],
        "bootstrap": [asdict(entry) for entry in toolkit],
        "kept_by_aws": [asdict(entry) for entry in pending],
        "processes": [asdict(process) for process in descendants()],
        "files": sorted(path.name for path in state.fleets.iterdir()) if state.fleets.is_dir() else [],
        "ports": sorted([*(fleet.port for fleet in fleets), *jobs, *lambdas.ports, *beanstalk.ports]),
    }


def _end(state: StateFolder) -> None:
    """Leave no process and no file.

    Ministack's Lambda workers share this group, and its threads may not end.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    for folder in (state.tmp, state.fleets):
        shutil.rmtree(folder, ignore_errors=True)
    state.run_file.unlink(missing_ok=True)
    os._exit(0)
