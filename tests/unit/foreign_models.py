"""Models from elsewhere, for the tests of `slipway import`."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import skl2onnx
import skops.io
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from stacks.settings import load_model
from training.import_model import import_model

ROOT = Path(__file__).parents[2]
ROWS, CODES = load_iris(return_X_y=True)
NAMES = load_iris().target_names[CODES]


def bring(root, path, *, trust=False, told=None, **overrides):
    settings = load_model(root, "irises", overrides)
    return import_model(root, settings, path, trust=trust, progress=(told if told is not None else []).append)


def nothing_written(root):
    return not list((root / "artifacts").glob("irises/*"))


def fitted(labels=NAMES, rows=ROWS):
    return LogisticRegression(max_iter=500).fit(rows, labels)


def as_onnx(path, model=None, kind=FloatTensorType, shape=(None, 4), **options):
    graph = skl2onnx.convert_sklearn(model or fitted(), initial_types=[("X", kind(list(shape)))], **options)
    path.write_bytes(graph.SerializeToString())
    return path


def as_skops(path, model=None):
    skops.io.dump(model or fitted(), path)
    return path


def unpacked(artifact, folder):
    with tarfile.open(artifact.archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


class Harm:
    """A pickle that runs a command when it is loaded."""

    def __init__(self, touches=None, command=""):
        self.command = command or f"touch {touches}"

    def __reduce__(self):
        return os.system, (self.command,)


def slipway(root, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "slipway.main", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
