"""A folder of packages for Lambda: wheels by hash for AWS's platform, stripped and, where possible, compiled.

No code of the packages runs here: wheels are unpacked, and compiling only parses.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from slipway.errors import PackageFailed, ToolMissing

PYTHON = "3.13"  # of the function; stacks/ says the same to AWS
# Amazon Linux 2023, on which AWS runs this Python, has glibc 2.34.
PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
REQUIREMENTS = "slipway-requirements.txt"

# Never needed to predict: tests, what type checkers and compilers read, what pip keeps of an installation.
_FOLDERS = ("tests", "__pycache__", "include", "bin")
_ENDINGS = (".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".hpp", ".cpp", ".a", ".lib", ".cmake", ".pyc")
_FILES = (".lock", "py.typed", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "sboms")
# Parts of packages that nothing on the way to a prediction imports; the container suite runs without them.
_PARTS = (
    *(f"onnxruntime/{name}" for name in ("backend", "datasets", "quantization", "tools", "transformers")),
    "joblib/test",
    "sklearn/datasets/data",
    "sklearn/datasets/images",
    "sklearn/datasets/descr",
    "skops/card",
)
# botocore brings the descriptions of every service of AWS; a function that reads its model needs one.
_SERVICES = ("s3",)
_TIMEOUT_S = 600


def install(folder: Path, pinned: bytes, extra: bytes | None, architecture: str, python: str | None) -> None:
    """Fill a folder with packages, and with the file that they came from, `slipway-requirements.txt`.

    Args:
        folder: an empty one.
        pinned: compiled requirements with hashes, complete: nothing that they do not name is installed.
        extra: a person's requirements.txt, neither compiled nor pinned; None for none.
        architecture: `x86_64` or `arm64`.
        python: an interpreter of the function's Python: packages are then bytecode alone, which is a sixth
            smaller than with their sources; None: they are sources alone.

    Raises:
        PackageFailed: a package is not to be had, has another hash, or has no wheel for AWS's platform.
        ToolMissing: there is no uv.
    """
    requirements = folder / REQUIREMENTS
    requirements.write_bytes(pinned)
    if extra is not None:
        requirements.write_bytes(pinned + _compiled(folder, extra))
    _uv(
        *("pip", "install", "--python", sys.executable, "--target", str(folder)),
        *("--python-version", PYTHON, "--python-platform", PLATFORMS[architecture]),
        *("--only-binary", ":all:", "--require-hashes", "--no-deps", "--link-mode", "copy"),
        *("-r", str(requirements)),
    )
    strip(folder)
    if python is not None:
        compile_all(python, folder, "/opt/python", "-b")
        for source in folder.rglob("*.py"):
            if source.with_suffix(".pyc").is_file():
                source.unlink()


def strip(folder: Path) -> None:
    """Remove what no function needs from a folder of installed packages."""
    services = folder / "botocore" / "data"
    unneeded = [folder / part for part in _PARTS]
    unneeded += [p for p in services.glob("*") if p.is_dir() and p.name not in _SERVICES]
    for path in unneeded:
        shutil.rmtree(path, ignore_errors=True)
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and (path.name in _FOLDERS or path.name in _FILES):
            shutil.rmtree(path)
        elif path.is_file() and (path.suffix in _ENDINGS or path.name in _FILES):
            path.unlink()


def compile_all(python: str, folder: Path, at: str, *options: str) -> None:
    """Compile a folder's Python files as they will be imported from `at`; `-b` puts the results beside them.

    Unchecked, since the times in a zip file are none and /opt and /var/task cannot be written to: a start
    without bytecode takes twice as long, every time.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    options += ("-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", at)
    # It fails where one file of a package is for another Python; that file stays as it is.
    subprocess.run(
        [python, "-m", "compileall", *options, str(folder)],
        env={**kept, "PYTHONHASHSEED": "0"},
        capture_output=True, timeout=_TIMEOUT_S, check=False,
    )  # fmt: skip


def find_python() -> str | None:
    """Return the path of an interpreter of the function's Python, or None where PATH has none that runs."""
    launcher = shutil.which(f"python{PYTHON}")
    if launcher is None:
        return None
    found = subprocess.run(
        [launcher, "-c", "import sys; print(sys.executable, end='')"],
        env={**os.environ, "PYENV_VERSION": PYTHON},  # a launcher of pyenv runs what was chosen for it alone
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return found.stdout or None


def _compiled(folder: Path, extra: bytes) -> bytes:
    """Return a person's requirements with everything that they need, pinned by hash, beside what is there."""
    written, compiled = folder / "extra.txt", folder / "extra-compiled.txt"
    written.write_bytes(extra)
    _uv(
        *("pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes"),
        *("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"),
        *("--only-binary", ":all:", "-c", str(folder / REQUIREMENTS), "-o", str(compiled), str(written)),
    )
    content = compiled.read_bytes()
    written.unlink()
    compiled.unlink()
    return content


def _uv(*arguments: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_FIND_LINKS")}
    environment |= {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    command: Sequence[str] = (_find_uv(), *arguments)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise PackageFailed(
            f"uv took over {_TIMEOUT_S} s for the packages of a Lambda function.",
            why="The package index is slow or cannot be reached.",
            fix="Check the network, then run the same command again.",
        ) from None
    if done.returncode:
        raise PackageFailed(
            "The packages of a Lambda function cannot be installed.",
            why="\n".join(done.stderr.strip().splitlines()[-12:]),
            fix="Check that the package index can be reached. What requirements.txt names needs a wheel for "
            f"Python {PYTHON} on Amazon Linux (manylinux_2_28).",
        )


def _find_uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = os.environ.get("UV") or (str(beside) if beside.is_file() else shutil.which("uv"))
    if not found:
        raise ToolMissing("uv was not found.", fix="Run `make setup`, or name it in the variable UV.")
    return found
