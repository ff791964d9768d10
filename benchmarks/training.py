"""What `slipway train` costs beside the script itself: for iris, and for a training of a minute.

The peer is the model's own train.py, started as a process with the same channels. Interleaved medians.
`python benchmarks/training.py [ROUNDS]`
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stacks.settings import ModelSettings, load_model
from tests.local.stacks.conftest import make_project
from training.channels import TRAINING_CHANNELS, write_channels
from training.fit import REPRODUCIBLE, hyperparameter_arguments
from training.train import load_parts

ROUNDS = 7
LONG_ROUNDS = 2
LONG_S = 60
# Put into train.py: fit again and again for a minute, which is what a large training looks like from outside.
LONGER = f"""
    import time

    started = time.monotonic()
    while time.monotonic() - started < {LONG_S}:
        model.fit(train[features].to_numpy(), train["species"])
"""


def main() -> None:
    """Measure both."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        root = make_project(Path(folder)).root
        alone, ours = measure(root, rounds)
        print(
            f"iris: train.py alone {alone:.2f} s, slipway train {ours:.2f} s: {ours - alone:.2f} s beside it"
        )
        script = root / "model_code" / "iris" / "train.py"
        text = script.read_text(encoding="utf-8")
        before, line, after = text.partition("    score = model.score(")
        script.write_text(before + LONGER.lstrip("\n") + line + after, encoding="utf-8")
        alone, ours = measure(root, LONG_ROUNDS)
        print(
            f"a minute: train.py alone {alone:.2f} s, slipway train {ours:.2f} s: "
            f"{(ours - alone) / alone:.1%} beside it"
        )


def measure(root: Path, rounds: int) -> tuple[float, float]:
    """Return the medians of the script alone and of `slipway train`, whole processes, in seconds."""
    settings = load_model(root, "iris")
    command = [sys.executable, "-m", "slipway.main", "train", "iris"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    alone, ours = [], []
    for _ in range(rounds):
        alone.append(run_script(settings))
        ours.append(run(command, root, environment))
    return statistics.median(alone), statistics.median(ours)


def run_script(settings: ModelSettings) -> float:
    """Start train.py with channels that are there already; only the process counts."""
    with tempfile.TemporaryDirectory() as folder:
        channels = write_channels(settings, *load_parts(settings, lambda _line: None), Path(folder, "in"))
        environment = {f"SM_CHANNEL_{name.upper()}": str(channels[name]) for name in TRAINING_CHANNELS}
        command = [sys.executable, str(settings.folder / "train.py")]
        command += hyperparameter_arguments(settings.model.hyperparameters)
        variables = {**os.environ, **REPRODUCIBLE, **environment, "SM_MODEL_DIR": folder}
        return run(command, settings.folder, variables)


def run(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Run a process to its end and return how long it took, in seconds."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
