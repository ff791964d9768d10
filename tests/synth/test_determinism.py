from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.synth.harness import FLAGS, MODELS, ROOT, make_project

_SOURCES = ("stacks", "slipway", "training")
_FORBIDDEN_MODULES = {
    "boto3",
    "botocore",
    "datetime",
    "time",
    "socket",
    "urllib",
    "requests",
    "random",
    "localaws",
}
_FORBIDDEN_NAMES = {"environ", "getenv", "cwd", "getcwd", "home", "expanduser", "getuser"}


def _copy_with_code(root: Path, *models: str) -> Path:
    make_project(root, *models)
    shutil.copy(ROOT / "app.py", root)
    for folder in _SOURCES:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def _run(root: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in ("PATH", "JSII_NODE", "XDG_CACHE_HOME") if name in os.environ}
    # Unpacking CDK for every new home takes seconds; the cache is not what is compared.
    kept.setdefault("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    return subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=root,
        env={
            **kept,
            "CDK_OUTDIR": str(root / "cdk.out"),
            "CDK_VALIDATION": "false",
            "CDK_CONTEXT_JSON": json.dumps({**FLAGS, "stage": "prod"}),
            **environment,
        },
    )


def test_two_synths_give_equal_bytes_whatever_the_folder_clock_zone_user_and_hash_seed(
    tmp_path: Path,
) -> None:
    worlds = {
        "a": {"TZ": "UTC", "USER": "ann", "HOME": str(tmp_path / "ann"), "PYTHONHASHSEED": "1", "LANG": "C"},
        "b/deeper": {
            "TZ": "Pacific/Auckland",
            "USER": "bob",
            "HOME": str(tmp_path / "bob"),
            "PYTHONHASHSEED": "2",
            "LANG": "de_DE.UTF-8",
            "AWS_REGION": "eu-west-1",
            "CDK_DEFAULT_REGION": "eu-west-1",
            "CDK_DEFAULT_ACCOUNT": "123456789012",
        },
    }
    running = []
    for folder, environment in worlds.items():
        Path(environment["HOME"]).mkdir()
        root = _copy_with_code(tmp_path / folder, *MODELS)
        if folder == "a":  # what Python leaves where the server was run
            stray = root / "model_code" / "serving" / "server" / "__pycache__"
            stray.mkdir()
            (stray / "app.cpython-313.pyc").write_bytes(b"compiled")
        running.append(_run(root, environment))
    assert [process.wait(timeout=120) for process in running] == [0, 0]

    first, second = (
        {p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}
        for out in (tmp_path / folder / "cdk.out" for folder in worlds)
    )
    assert first.keys() == second.keys()
    assert [str(name) for name in first if first[name] != second[name]] == []


# What is in functions/ runs in Lambda, where environment and network are what it works with.
_OF_SYNTH = sorted(p for p in (ROOT / "stacks").rglob("*.py") if p.parent.name != "functions")


@pytest.mark.parametrize("path", _OF_SYNTH, ids=lambda p: p.name)
def test_stacks_know_no_clock_network_environment_or_folder(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for module in modules:
            assert module.partition(".")[0] not in _FORBIDDEN_MODULES, f"{path}:{node.lineno}"
        if isinstance(node, ast.Attribute):
            assert node.attr not in _FORBIDDEN_NAMES, f"{path}:{node.lineno}"
