"""What a model's container is told, and whether it can reach the network."""

from __future__ import annotations

from stacks.serve_settings import ServeSection, Variant
from training.artifact import Artifact

# When AWS's prebuilt container starts, its toolkit runs `pip install .` on the code folder, and pip fetches
# setuptools into a build environment of its own. Under network isolation it must take the image's setuptools
# instead and ask no index. "0" is no mistake: pip reads the value of a --no-… option as that of its opposite.
_OFFLINE_INSTALL = {"PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1"}
_LOG_LEVEL_INFO = "20"  # the number of Python's logging module
_SERVERLESS_MAX_BODY_BYTES = 4 * 1024 * 1024


def is_isolated(serve: ServeSection, artifact: Artifact) -> bool:
    """Return whether a container runs without any network.

    It does wherever it can: not on a serverless endpoint, for which AWS has no isolation; not where requests
    name objects in S3; and not where AWS's scikit-learn image installs a model's requirements as it starts
    (those of an image of our own are in the image, and AWS's XGBoost image runs no code of ours).
    """
    if serve.serverless or serve.s3_prefixes:
        return False
    return serve.image != "sklearn" or not artifact.needs_install


def environment_of(serve: ServeSection, variant: Variant, artifact: Artifact, region: str) -> dict[str, str]:
    """Return the container's environment variables.

    Args:
        serve: the model's settings.
        variant: the variant that the container is for.
        artifact: what the variant serves.
        region: the region, which may be known only at deploy.
    """
    if serve.image == "xgboost":
        # AWS's algorithm, not our code, loads the model; the version is for people.
        return {"SLIPWAY_MODEL_VERSION": artifact.version}
    # SageMaker only unpacks the archive. The container checks the manifest against this, and every file
    # against the manifest, before it loads one.
    verified = {
        "SLIPWAY_MANIFEST_SHA256": artifact.manifest_sha256,
        "SLIPWAY_MODEL_VERSION": artifact.version,
    }
    if serve.image == "own":
        return verified | server_environment(serve, variant.name, region)
    script_mode = {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        "SAGEMAKER_CONTAINER_LOG_LEVEL": _LOG_LEVEL_INFO,
        "SAGEMAKER_REGION": region,
    }
    return script_mode | verified | ({} if artifact.needs_install else _OFFLINE_INSTALL)


def server_environment(serve: ServeSection, variant: str, region: str) -> dict[str, str]:
    """Return what our own server is told beside which model it has, wherever its container runs.

    Args:
        serve: the model's settings.
        variant: the role that it answers in, such as champion.
        region: the region, which may be known only at deploy.
    """
    told = {"SLIPWAY_VARIANT": variant}
    if serve.serverless:
        told["SLIPWAY_MAX_BODY_BYTES"] = str(_SERVERLESS_MAX_BODY_BYTES)
    if serve.s3_prefixes:
        told |= {"SLIPWAY_S3_PREFIXES": ",".join(serve.s3_prefixes), "AWS_DEFAULT_REGION": region}
    return told
