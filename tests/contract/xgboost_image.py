"""The built-in XGBoost image as a real process, with models made on the fly."""

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xgboost as xgb

from localaws.environments import XGBOOST_3_2_0
from localaws.images.builtin_xgboost import BuiltinXgboost
from localaws.images.prebuilt import Place

ENVS = Path(__file__).resolve().parents[2] / ".slipway" / "envs"
COLUMNS = 4
ROWS = np.random.default_rng(0).normal(size=(3, COLUMNS)).round(3)
CSV = "\n".join(",".join(map(str, row)) for row in ROWS.tolist())


@dataclass(frozen=True)
class Answer:
    """What came back: status, content type, body."""

    status: int
    content_type: str
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Server:
    def __init__(self, port: int, log: Path) -> None:
        self._port = port
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def call(self, method: str, path: str, body: bytes | str = b"", **headers: str) -> Answer:
        """Send one request; `content_type` and `accept` are headers, and none is sent unasked."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        data = body.encode() if isinstance(body, str) else body
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.putheader("content-length", str(len(data)))
        connection.endheaders(data)
        response = connection.getresponse()
        answer = Answer(response.status, response.getheader("content-type", ""), response.read())
        connection.close()
        return answer

    def invoke(
        self, body: bytes | str, content_type: str | None = "text/csv", accept: str | None = None
    ) -> Answer:
        headers = {"content_type": content_type, "accept": accept}
        return self.call("POST", "/invocations", body, **{k: v for k, v in headers.items() if v is not None})


def train(objective: str, *, seed: int = 0, **parameters: object) -> xgb.Booster:
    """Return a small model of 4 columns: numbers, or 3 classes where the objective has several."""
    generator = np.random.default_rng(seed)
    data = generator.normal(size=(120, COLUMNS))
    score = data[:, 0] + data[:, 1] ** 2
    if objective.startswith("multi:"):
        label = np.digitize(score, np.quantile(score, [1 / 3, 2 / 3]))
        parameters = {"num_class": 3, **parameters}
    else:
        label = score > 1 if objective.startswith("binary:") else np.abs(score)
    return xgb.train(
        {"objective": objective, "max_depth": 3, **parameters}, xgb.DMatrix(data, label=label), 5
    )


@contextmanager
def serving(folder: Path, boosters: Mapping[str, xgb.Booster | bytes], **variables: str) -> Iterator[Server]:
    """Serve model files of these names and contents, with these variables of the container."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = Place(folder, port, workers=1)
    (place.base / "model").mkdir(parents=True)
    (folder / "tmp").mkdir()
    for name, booster in boosters.items():
        content = booster if isinstance(booster, bytes) else bytes(booster.save_raw("ubj"))
        path = place.base / "model" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    launch = BuiltinXgboost(XGBOOST_3_2_0).prepare(place, ENVS, variables)
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            launch.arguments, env=dict(launch.environment), stdout=output, stderr=output
        )
    try:
        _wait(process, port, log)
        yield Server(port, log)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(log.read_text())
