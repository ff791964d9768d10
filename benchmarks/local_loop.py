"""The local loop: start, deploy after a retrain, invoke. Prints medians and ratios of interleaved runs.

Peers: the CDK command line for the deploy, and the model's own process for the invocation.
"""

from __future__ import annotations

import http.client
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.deployment import deploy
from slipway.ports import free_port
from slipway.story import Story
from stacks.settings import load_model, load_settings
from tests.local.stacks.conftest import make_project
from training.train import train

STARTS, DEPLOYS, CALLS = 5, 3, 300
BODY = b"6.5,3.0,5.2,2.0"


def main() -> None:
    """Run everything in a project of its own."""
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder))
        settings = load_settings(project.root, {"models": "iris"})
        local = LocalAws(project.root)
        try:
            starts = []
            for _ in range(STARTS):
                local.stop()
                started = time.perf_counter()
                server = local.start(free_port())
                aws = Aws.local(settings.stage, server)
                aws.client("sts").get_caller_identity()
                starts.append(time.perf_counter() - started)
            report("embedded AWS to first answer", starts, "s")

            train(project.root, settings.models[0])
            deploy(project, aws, settings.models, {"models": "iris"}, Story(), direct=True)
            ours, cdk = [], []
            for turn in range(DEPLOYS):
                for times, options in ((ours, []), (cdk, ["--cdk"])):
                    c = 0.5 + turn / 10 + len(options) / 100
                    train(project.root, load_model(project.root, "iris", {"model.hyperparameters": {"C": c}}))
                    started = time.perf_counter()
                    subprocess.run(
                        [sys.executable, "-m", "slipway.main", "deploy", "iris", *options],
                        cwd=project.root,
                        check=True,
                        capture_output=True,
                    )
                    times.append(time.perf_counter() - started)
            report("slipway deploy iris after a retrain", ours, "s")
            report("the same with the CDK CLI", cdk, "s", ours)

            through, direct = invocations(aws, local.inventory().ports[0])
            report("POST to the model's process", direct, "ms")
            report("boto3 invoke_endpoint", through, "ms", direct)
            overhead = statistics.median(through) - statistics.median(direct)
            print(f"{'overhead of the runtime, p50':<40} {overhead:8.2f} ms")
        finally:
            local.stop()


def invocations(aws: Aws, port: int) -> tuple[list[float], list[float]]:
    """Time one-row requests through the runtime and to the process, turn by turn, in milliseconds."""
    runtime = aws.client("sagemaker-runtime")
    connection = http.client.HTTPConnection("127.0.0.1", port)
    through, direct = [], []
    for _ in range(CALLS):
        started = time.perf_counter()
        runtime.invoke_endpoint(EndpointName="slipway-local-iris", Body=BODY, ContentType="text/csv")[
            "Body"
        ].read()
        through.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        connection.request("POST", "/invocations", BODY, {"Content-Type": "text/csv"})
        connection.getresponse().read()
        direct.append((time.perf_counter() - started) * 1000)
    connection.close()
    return through, direct


def report(name: str, times: list[float], unit: str, base: list[float] | None = None) -> None:
    """Print a median, its spread, and the ratio to a base."""
    middle = statistics.median(times)
    ratio = f"   {middle / statistics.median(base):5.2f} x" if base else ""
    print(f"{name:<40} {middle:8.2f} {unit}   ({min(times):.2f} to {max(times):.2f}, n={len(times)}){ratio}")


if __name__ == "__main__":
    main()
