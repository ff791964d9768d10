"""The variables that Lambda sets in an execution environment.

Source: "Defined runtime environment variables" in the Lambda developer guide.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from localaws.lambda_functions.function import Function
from localaws.ports import Credentials

_PORTABLE = Path(__file__).resolve().parent / "portable"


def variables(
    function: Function, *, session: Credentials, url: str, stream: str, runtime_api: str, initialization: str
) -> dict[str, str]:
    """Return the function's own variables and Lambda's, which a function cannot override.

    `url` is where the embedded AWS listens, `runtime_api` a host and port.
    """
    region = function.scope.region
    return {
        **dict(function.variables),
        "AWS_ENDPOINT_URL": url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logging.group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_LOG_FORMAT": function.logging.form,
        **({"AWS_LAMBDA_LOG_LEVEL": function.logging.level} if function.logging.level else {}),
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime or 'Image'}",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "TZ": ":UTC",
        **({"_HANDLER": function.handler} if function.handler else {}),
    }


def process_variables(
    folder: Path, task_root: Path, given: dict[str, str], *, environment: Path, paths: Sequence[str] = ()
) -> dict[str, str]:
    """Return all that a process sees which stands for Lambda's: nothing of this machine's own.

    `environment` is the Python environment that it runs in, `paths` are where its imports are looked for
    before that.
    """
    more = () if any(environment.glob("lib/python3*/site-packages/runtime_client*")) else (str(_PORTABLE),)
    path = [part for part in (*paths, given.get("PYTHONPATH", ""), *more) if part]
    tmp = str(folder / "tmp")
    return {
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath,
        "LAMBDA_TASK_ROOT": str(task_root),
        "HOME": tmp,
        "TMPDIR": tmp,
        **given,
        **({"PYTHONPATH": ":".join(path)} if path else {}),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",  # as where the code cannot be written to
    }
