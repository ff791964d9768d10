"""The serving entry point that stands for AWS's XGBoost image 3.2-0, for a process instead of a container.

As in the image, gunicorn with gevent workers, each of which loads the model at its first request; only the
bind address is 127.0.0.1 and nginx is left out. Runs in the image's environment alone.
"""

import os
import sys
from pathlib import Path


def main() -> None:
    """Become gunicorn, unless what is asked for does not run here."""
    for variable, what in (("SAGEMAKER_PROGRAM", "Script mode"), ("SAGEMAKER_MULTI_MODEL", "Many models")):
        if os.environ.get(variable):
            sys.exit(
                f"{what} of the XGBoost image ({variable}={os.environ[variable]}) works in AWS's image only, "
                f"not on this machine. Leave out {variable}: the image then serves the booster in "
                "/opt/ml/model by itself. Or serve your own code with an image of your own."
            )
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    options = {
        "--timeout": os.environ.get("SAGEMAKER_MODEL_SERVER_TIMEOUT", "60"),
        "-k": "gevent",
        "-b": f"127.0.0.1:{os.environ.get('SAGEMAKER_BIND_TO_PORT', '8080')}",
        "-w": os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS", str(os.cpu_count())),
        # Longer than the proxy keeps an idle connection, so that it never meets a closed one.
        "--keep-alive": "75",
        "--graceful-timeout": "0",  # requests are let out before SIGTERM comes; idle connections need no wait
        "--pythonpath": str(Path(__file__).resolve().parent),
        "--log-level": "info",
    }
    words = [word for pair in options.items() for word in pair]
    # Nobody controls it, and a socket's path has no room for a long folder.
    server = [sys.executable, "-m", "gunicorn", "--no-control-socket"]
    command = [*server, *words, "xgboost_serving.application:application"]
    os.execv(sys.executable, command)  # noqa: S606


if __name__ == "__main__":
    main()
