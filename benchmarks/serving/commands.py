"""How each server is started: two workers, on 127.0.0.1, with no log line per request."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copy

from localaws.environments import SERVER, SKLEARN_1_9_0, ensure_environment
from localaws.images.prebuilt import Place, PrebuiltImage
from slipway.ports import free_port

from . import nginx as nginx_files
from .load import find
from .models import ROOT, Model
from .server import Command

WORKERS = 2
PEERS = Path(__file__).with_name("peers")
_SERVING = ROOT / "model_code"


@dataclass(frozen=True)
class Job:
    """One start of one server: its model, an empty folder, a free port."""

    model: Model
    scratch: Path
    port: int


Start = Callable[[Job, Path], list[Command]]


def _python(environment: Path) -> str:
    return str(environment / "bin" / "python")


def slipway(job: Job, environment: Path) -> list[Command]:
    """Ours, as its image starts it."""
    variables = {
        "PYTHONPATH": str(_SERVING),
        "SM_MODEL_DIR": str(job.model.folder),
        "SAGEMAKER_BIND_TO_PORT": str(job.port),
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(WORKERS),
        "SLIPWAY_BIND_HOST": "127.0.0.1",
        "SLIPWAY_MANIFEST_SHA256": job.model.manifest_sha256,
        "SLIPWAY_MODEL_VERSION": job.model.version,
        "SLIPWAY_VARIANT": "champion",
    }
    return [Command((_python(environment), "-m", "serving.server", "serve"), variables)]


def classic(job: Job, environment: Path) -> list[Command]:
    """gunicorn behind nginx, joined by a socket file."""
    socket = f"unix:{job.scratch / 'gunicorn.sock'}"
    options = ("-k", "sync", "-w", str(WORKERS), "-b", socket)
    gunicorn = (_python(environment), "-m", "gunicorn", *options, "app:app")
    return [
        Command(gunicorn, {"BENCH_MODEL": str(job.model.joblib)}, PEERS / "classic"),
        Command(nginx_files.proxy(find("nginx"), job.scratch, job.port, socket)),
    ]


def aws(job: Job, environment: Path) -> list[Command]:
    """AWS's prebuilt image: nginx in front of what the embedded AWS runs."""
    behind = replace(job, port=free_port())
    nginx_command = nginx_files.proxy(find("nginx"), job.scratch, job.port, f"127.0.0.1:{behind.port}")
    return [*aws_alone(behind, environment), Command(nginx_command)]


def aws_alone(job: Job, _environment: Path) -> list[Command]:
    """AWS's prebuilt image as the embedded AWS runs it: gunicorn alone."""
    place = Place(job.scratch, job.port, WORKERS)
    code = place.base / "model" / "code"
    code.mkdir(parents=True)
    copy(job.model.joblib, place.base / "model")
    copy(PEERS / "aws" / "inference.py", code)
    launch = PrebuiltImage("sklearn_1_9_0", SKLEARN_1_9_0).prepare(place, ROOT / ".slipway" / "envs", {})
    variables = {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": str(code),
        "SAGEMAKER_REGION": "us-east-1",
        "SM_MODEL_DIR": str(place.base / "model"),
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "40",
    }
    return [Command(launch.arguments, {**variables, **launch.environment}, place.base)]


def fastapi(job: Job, environment: Path) -> list[Command]:
    """uvicorn's own supervisor and workers."""
    options = (
        "--workers",
        str(WORKERS),
        "--port",
        str(job.port),
        "--no-access-log",
        "--log-level",
        "warning",
    )
    command = (_python(environment), "-m", "uvicorn", "app:app", *options)
    return [Command(command, {"BENCH_MODEL": str(job.model.joblib)}, PEERS / "fastapi")]


def mlserver(job: Job, environment: Path) -> list[Command]:
    """`mlserver start` on a folder with its two settings files."""
    folder = job.scratch / "models"
    folder.mkdir()
    settings = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": job.port,
        "grpc_port": 0,
        "metrics_endpoint": None,
        "parallel_workers": WORKERS,
    }
    model = {
        "name": "model",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(job.model.joblib)},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))
    return [Command((str(environment / "bin" / "mlserver"), "start", str(folder)), {}, folder)]


def bentoml(job: Job, environment: Path) -> list[Command]:
    """`bentoml serve`, which counts its users unless told not to."""
    options = ("serve", "service:Scorer", "--host", "127.0.0.1", "--port", str(job.port))
    variables = {
        "BENCH_MODEL": str(job.model.joblib),
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(job.scratch / "bentoml"),
    }
    return [Command((_python(environment), "-m", "bentoml", *options), variables, PEERS / "bentoml")]


def litserve(job: Job, environment: Path) -> list[Command]:
    """Its server, from a script."""
    variables = {"BENCH_MODEL": str(job.model.joblib), "BENCH_PORT": str(job.port)}
    return [Command((_python(environment), "app.py"), variables, PEERS / "litserve")]


def flask(job: Job, environment: Path) -> list[Command]:
    """Flask's own server, from a script: one process, a thread a request."""
    variables = {"BENCH_MODEL": str(job.model.joblib), "BENCH_PORT": str(job.port)}
    return [Command((_python(environment), "app.py"), variables, PEERS / "flask")]


def balanced(job: Job, environment: Path) -> list[Command]:
    """Ours, behind the load balancer as the embedded AWS runs it."""
    behind = replace(job, port=free_port())
    python = _python(ensure_environment(SERVER, ROOT / ".slipway" / "envs"))
    balancer = (python, str(PEERS / "balancer" / "run.py"), str(job.port), str(behind.port))
    return [*slipway(behind, environment), Command(balancer, {"PYTHONPATH": str(ROOT)})]


def nginx(job: Job, _environment: Path) -> list[Command]:
    """nginx alone."""
    return [Command(nginx_files.constant(find("nginx"), job.scratch, job.port))]


def asgi(job: Job, environment: Path) -> list[Command]:
    """Our launcher around a constant ASGI application."""
    return _constant(job, environment, "Constant")


def short_way(job: Job, environment: Path) -> list[Command]:
    """Our launcher around a constant that goes its short way for small requests."""
    return _constant(job, environment, "ShortConstant")


def _constant(job: Job, environment: Path, application: str) -> list[Command]:
    variables = {"PYTHONPATH": str(_SERVING), "BENCH_PORT": str(job.port), "BENCH_WORKERS": str(WORKERS)}
    return [Command((_python(environment), "app.py", application), variables, PEERS / "constant")]
