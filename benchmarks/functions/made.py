"""Functions as they lie on disk at AWS: wine's package, and the classic recipe from the same training."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.serving.models import ROOT
from stacks.settings import load_model
from training.artifact import Artifact
from training.lambda_layer import PYTHON, compile_all, find_python, install
from training.lambda_package import LambdaPackage, build_package
from training.train import train
from training.zip_files import files_of, unpacked_bytes, write_zip

PEERS = Path(__file__).with_name("peers")
BODY = {"data": ".10"}
ANSWER = {"prediction": "1"}
ARCHITECTURE = "arm64" if platform.machine() == "aarch64" else "x86_64"


@dataclass(frozen=True)
class Ran:
    """What a process answered, and how long after it was started."""

    answer: str
    seconds: float


@dataclass(frozen=True)
class Function:
    """A function on disk.

    Args:
        title: as the page has it.
        handler: a module and a name in it.
        paths: what AWS puts on Python's path, the function's own folder first.
        environment: its variables.
        unpacked, zipped: bytes of its package.
    """

    title: str
    handler: str
    paths: tuple[Path, ...]
    environment: Mapping[str, str]
    unpacked: int = 0
    zipped: int = 0

    def start(self, python: str, code: str, *arguments: str, log: Path = Path(os.devnull)) -> Ran:
        """Run a program in a process of its own, as AWS would find it, until it ends.

        Args:
            python: the interpreter.
            code: the program: it writes its answer to the file descriptor that its first argument names.
            arguments: the program's third argument and more; its second is the handler's module.
            log: gets what the handler prints.
        """
        reading, writing = os.pipe()
        command = [python, "-S", "-B", "-c", code, str(writing), self.handler, *arguments]
        with log.open("ab") as out:
            started = perf_counter()
            process = subprocess.Popen(
                command, env=self.variables(), pass_fds=[writing], stdout=out, stderr=subprocess.PIPE
            )
            os.close(writing)
            answer = os.read(reading, 65536)
            seconds = perf_counter() - started
            os.close(reading)
            _, told = process.communicate()
        if process.returncode or not answer:
            raise SystemExit(f"{self.title} failed:\n{told.decode()}")
        return Ran(answer.decode(), seconds)

    def forget(self) -> None:
        """Take this function's files out of the page cache, as far as the system does it."""
        for folder in self.paths:
            for path in folder.rglob("*"):
                if path.is_file():
                    with path.open("rb") as file:
                        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def variables(self) -> dict[str, str]:
        """Return the environment of its process."""
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "LAMBDA_TASK_ROOT": str(self.paths[0]),
            "PYTHONPATH": os.pathsep.join(map(str, self.paths)),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **self.environment,
        }


@dataclass(frozen=True)
class Made:
    """All functions, with bytecode or without."""

    ours: Function
    classic: Function
    downloading: Function
    powertools: Function
    traced: Function
    joblib: Path


def python_or_exit() -> str:
    """Return the interpreter that AWS has, which benchmarks of functions cannot do without."""
    python = find_python()
    if python is None or sys.platform != "linux":
        raise SystemExit(f"functions are measured on Linux with python{PYTHON}, which is not on PATH here")
    return python


def train_wine(root: Path) -> Artifact:
    """Train wine as it is, with one feature, in a project of its own."""
    for name in ("serving", "wine"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "model_code" / name, root / "model_code" / name, ignore=ignored)
    shutil.copy(ROOT / "stages.toml", root)
    return train(root, load_model(root, "wine", {"model.features": ["alcohol"]}))


def make(root: Path, artifact: Artifact, folder: Path, python: str | None) -> Made:
    """Build the functions of an artifact into a folder; without a Python they have no bytecode."""
    settings = load_model(root, "wine", {"serve.architecture": ARCHITECTURE})
    package = build_package(root, artifact, settings.serve)
    if python is None:
        package = _without_bytecode(root, folder)
    task, opt = folder / "task", folder / "opt"
    for archive, place in ((package.code, task), (package.layer, opt)):
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(place)
    sizes = (
        unpacked_bytes(package.code, package.layer),
        sum(path.stat().st_size for path in (package.code, package.layer)),
    )
    variables = {
        "SLIPWAY_MANIFEST_SHA256": artifact.manifest_sha256,
        "SLIPWAY_MODEL_VERSION": artifact.version,
    }
    ours = Function("Slipway", "serving.aws_lambda.handler", (task, opt / "python"), variables, *sizes)
    layers = {name: _layer(name, folder, python) for name in ("classic", "powertools")}
    with tarfile.open(artifact.archive) as tar:
        tar.extract("model.joblib", layers["classic"].task, filter="data")
    observed = (task, layers["powertools"].task, opt / "python", layers["powertools"].packages)
    paths = (layers["classic"].task, layers["classic"].packages)
    return Made(
        ours,
        Function("the classic handler", "packaged", paths, {}, *layers["classic"].sizes()),
        Function("the classic handler, from S3", "downloading", paths, {}),
        Function("Slipway in Powertools' logger and metrics", "observed", observed, variables),
        Function("and its tracer", "observed", observed, {**variables, "POWERTOOLS_TRACER": "1"}),
        layers["classic"].task / "model.joblib",
    )


def event() -> str:
    """Return a request to /classify as a REST API gives it to a function, as JSON."""
    return json.dumps(json.loads(PEERS.with_name("event.json").read_text()) | {"body": json.dumps(BODY)})


@dataclass(frozen=True)
class _Layer:
    task: Path
    packages: Path

    def sizes(self) -> tuple[int, int]:
        target = self.packages.with_suffix(".zip")
        write_zip(target, files_of(self.packages))
        return unpacked_bytes(target), target.stat().st_size


def _layer(name: str, folder: Path, python: str | None) -> _Layer:
    """Install a peer as our layers are: by hash, stripped, compiled."""
    task, packages = folder / name, folder / f"{name}-packages"
    task.mkdir()
    packages.mkdir()
    install(packages, (PEERS / name / "requirements.txt").read_bytes(), None, ARCHITECTURE, python)
    for source in (PEERS / name).glob("*.py"):
        shutil.copy(source, task)
    if python:
        compile_all(python, task, "/var/task")
    return _Layer(task, packages)


def _without_bytecode(root: Path, folder: Path) -> LambdaPackage:
    """Build the package as a machine does that has no interpreter of the function's Python."""
    code = "\n".join(
        (
            "import sys; from pathlib import Path; from training.artifact import load_artifact",
            "from training.lambda_package import build_package; from stacks.settings import load_model",
            "root = Path(sys.argv[1]); model = load_model(root, 'wine', {'serve.architecture': sys.argv[2]})",
            "build_package(root, load_artifact(root, 'wine'), model.serve)",
        )
    )
    other = folder / "project"
    shutil.copytree(root, other, ignore=shutil.ignore_patterns("packages"))
    environment = {**os.environ, "PATH": os.defpath, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(other), ARCHITECTURE], env=environment, check=True)
    (layer,) = (other / ".slipway" / "packages").glob("layer-*-source.zip")
    (built,) = (other / ".slipway" / "packages").glob("code-*-source.zip")
    return LambdaPackage(built, layer)
