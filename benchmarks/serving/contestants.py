"""Who is measured: our server, its peers and the two limits."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from localaws.environments import SKLEARN_1_9_0, Recipe, ensure_environment

from . import commands
from .commands import PEERS, Job, Start
from .load import version_of
from .models import ROOT
from .server import Command
from .wires import CSV, JSON_LIST, JSON_PREDICTIONS, JSON_ROWS, V2, Wire

_BENCH = ROOT / ".slipway" / "bench"


@dataclass(frozen=True)
class Contestant:
    """A server that is measured.

    Args:
        recipe: its environment; AWS's own is the one that the embedded AWS runs.
        packages: whose versions the page tells.
        note: what the page says of how it runs.
        answers: whether it predicts, or is a limit that answers a constant.
    """

    name: str
    title: str
    recipe: Recipe | None
    packages: tuple[str, ...]
    start: Start
    note: str
    wire: Wire = CSV
    ping: str = "/ping"
    path: str = "/invocations"
    answers: bool = True

    def commands(self, job: Job) -> list[Command]:
        """Return what to start, in an environment that is built where it is missing."""
        return self.start(job, self.environment())

    def environment(self) -> Path:
        """Return the folder of its environment."""
        return _environment(self.recipe) if self.recipe else Path()

    def versions(self) -> str:
        """Return the versions of the packages that matter, as installed."""
        if self.recipe is None:
            return version_of("nginx")
        packages = next((self.environment() / "lib").glob("python3.*")) / "site-packages"
        found = [next(packages.glob(f"{name.replace('-', '_')}-*.dist-info"), None) for name in self.packages]
        named = [path.name.removesuffix(".dist-info").rpartition("-") for path in found if path]
        proxy = [version_of("nginx")] if self.name in ("classic", "aws") else []
        return ", ".join(proxy + [f"{name.replace('_', '-')} {version}" for name, _, version in named])


@cache
def _environment(recipe: Recipe) -> Path:
    envs = ROOT / ".slipway" / "envs" if recipe is SKLEARN_1_9_0 else _BENCH
    return ensure_environment(recipe, envs, progress=lambda line: print(line, file=sys.stderr))


def _peer(
    name: str, title: str, packages: tuple[str, ...], start: Start, note: str, **more: object
) -> Contestant:
    recipe = Recipe(name, PEERS / name / "requirements.txt")
    return Contestant(name, title, recipe, (*packages, "scikit-learn"), start, note, **more)  # type: ignore[arg-type]


_OURS = Recipe("slipway", ROOT / "model_code" / "serving" / "requirements-onnx.txt")
SLIPWAY = Contestant(
    "slipway",
    "Slipway",
    _OURS,
    ("uvicorn", "uvloop", "httptools", "onnxruntime", "numpy"),
    commands.slipway,
    "`python -m serving.server serve` on the archive that training packaged, its files verified by sha256.",
)
CLASSIC = _peer(
    "classic",
    "nginx + gunicorn + Flask",
    ("gunicorn", "flask", "pandas"),
    commands.classic,
    "The way of AWS's bring-your-own examples: nginx, a socket file, sync workers, `pandas.read_csv`.",
)
AWS = Contestant(
    "aws",
    "AWS's stack",
    SKLEARN_1_9_0,
    ("sagemaker-containers", "gunicorn", "gevent", "flask", "scikit-learn"),
    commands.aws,
    "`sagemaker-containers` in script mode behind nginx, as in AWS's scikit-learn image, with the one line "
    "that a single CSV row needs; a port instead of a socket file joins the two.",
)
AWS_ALONE = replace(
    AWS,
    name="aws_alone",
    title="AWS's stack without nginx",
    start=commands.aws_alone,
    note="gunicorn alone: no image runs it so, but the embedded AWS does.",
)
FASTAPI = _peer(
    "fastapi",
    "FastAPI + scikit-learn",
    ("fastapi", "uvicorn", "uvloop", "httptools"),
    commands.fastapi,
    "Written with care: `numpy.loadtxt` instead of pandas, one asynchronous function.",
)
MLSERVER = _peer(
    "mlserver",
    "MLServer",
    ("mlserver", "mlserver-sklearn", "uvloop"),
    commands.mlserver,
    "Its own scikit-learn runtime, two parallel workers; debugging and metrics off.",
    wire=V2,
    ping="/v2/models/model/ready",
    path="/v2/models/model/infer",
)
BENTOML = _peer(
    "bentoml",
    "BentoML",
    ("bentoml",),
    commands.bentoml,
    "A service with two workers; access log and metrics off.",
    wire=JSON_ROWS,
    ping="/readyz",
)
LITSERVE = _peer(
    "litserve",
    "LitServe",
    ("litserve", "fastapi", "uvicorn"),
    commands.litserve,
    "Two workers on the processor, and as many HTTP servers as it chooses.",
    wire=JSON_PREDICTIONS,
)
FLASK = _peer(
    "flask",
    "Flask's own server",
    ("flask", "werkzeug"),
    commands.flask,
    "The classic recipe: `app.run()` around a pickled forest; its line per request switched off.",
    wire=JSON_LIST,
    path="/predict",
)
DIRECT = replace(SLIPWAY, wire=JSON_LIST, path="/predict")
BALANCED = replace(
    DIRECT,
    name="balanced",
    title="Slipway behind the load balancer of the embedded AWS",
    start=commands.balanced,
    note="The same server, through the one process that stands before all environments of Elastic Beanstalk.",
)
NGINX = Contestant(
    "nginx", "limit: nginx, a constant", None, (), commands.nginx, "`return 200`, two workers.", answers=False
)
ASGI = Contestant(
    "asgi",
    "limit: our server, a constant",
    _OURS,
    ("uvicorn",),
    commands.asgi,
    "A raw ASGI function on our own launcher and settings; it reads no body and sends a constant.",
    answers=False,
)
SHORT_WAY = replace(
    ASGI,
    name="short_way",
    title="limit: our server's short way, a constant",
    start=commands.short_way,
    note="The same, answered without ASGI, as our server answers small requests.",
)
LIMITS = (NGINX, ASGI, SHORT_WAY)
ALL = (SLIPWAY, CLASSIC, AWS, AWS_ALONE, FASTAPI, MLSERVER, BENTOML, LITSERVE, *LIMITS)
BEANSTALK = (BALANCED, DIRECT, FLASK)
FOREST = (SLIPWAY, CLASSIC, AWS, FASTAPI)
BULK = (SLIPWAY, AWS, FASTAPI)
