"""What the function's start loads: every module is time on every cold start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.events import VERSION, event
from tests.server.models import ModelFolder, model
from tests.server.more_models import codes

ROOT = Path(__file__).parents[2]
# What other doors, other ways or nobody's first request needs. NumPy and ONNX Runtime import none of them.
UNWANTED = (
    "asyncio", "botocore", "boto3", "uvicorn", "uvloop", "httptools", "traceback", "difflib", "tarfile",
    "tempfile", "logging", "ssl", "http", "email", "socket", "subprocess", "sklearn", "pandas", "aws_cdk",
    "serving.doors.openapi", "serving.doors.page", "serving.doors.hooks", "serving.aws_lambda.s3_model",
    "serving.aws_lambda.golden", "serving.script_mode", "serving.server",
)  # fmt: skip
SCRIPT = """
import json, sys
from serving.aws_lambda.handler import handler
for found in json.load(sys.stdin):
    answer = handler(found, None)
print(json.dumps([answer["body"], [name for name in sys.argv[1:] if name in sys.modules]]))
"""
ALL = """
import json, sys
from serving.aws_lambda.handler import handler
print(json.dumps([json.dumps([handler(found, None)["statusCode"] for found in json.load(sys.stdin)]), []]))
"""
WITHOUT_ORJSON = "import sys; sys.modules['orjson'] = None\n"


def started(folder: ModelFolder, events: list[object], script: str = SCRIPT) -> tuple[str, list[str]]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "model_code"),
        "LAMBDA_TASK_ROOT": str(folder.path.parent),
        "SM_MODEL_DIR": str(folder.path),
        "SLIPWAY_MANIFEST_SHA256": folder.sha256,
        "SLIPWAY_MODEL_VERSION": VERSION,
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", script, *UNWANTED],
        input=json.dumps(events), env=environment, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    body, loaded = json.loads(done.stdout.splitlines()[-1])
    return body, loaded


@pytest.mark.parametrize(
    ("folder", "found", "body"),
    [
        (model("logistic"), event(body="[[5.1,3.5,1.4,0.2]]"), '["setosa"]'),
        (model("mixed"), event(body='[[null,"red",1.4,0.2]]'), '["setosa"]'),
        (codes(), event("/classify", '{"data": ".10"}'), '{"prediction": "1"}'),
    ],
)
def test_the_first_request_loads_nothing_that_it_does_not_need(folder, found, body: str) -> None:
    assert started(folder, [found], WITHOUT_ORJSON + SCRIPT) == (body, [])


def test_the_model_is_beside_the_code_where_nothing_else_is_said(tmp_path) -> None:
    copy = codes().copy(tmp_path / "model")
    script = "import os; del os.environ['SM_MODEL_DIR']\n" + SCRIPT
    assert started(copy, [event(body="[[12.2]]")], script)[0] == "[1]"


def test_without_orjson_every_wrong_body_is_refused_as_with_it() -> None:
    wrong = ["[" * 100_000, '{"a": NaN}', "[[1e999]]", "[[NaN]]", '[["\\ud800"]]', f"[[{'9' * 5000}]]", ""]
    bodies = [*wrong, f"[[{'9' * 400}]]", "\ufeff[[12.2]]", "[[12.2]] x", "[[18446744073709551617]]"]
    events = [event(body=body) for body in bodies]
    alone, both = (json.loads(started(codes(), events, each)[0]) for each in (WITHOUT_ORJSON + ALL, ALL))
    assert len(alone) == len(bodies)
    assert alone == both
    assert set(alone) == {200, 400}
