"""The environment of an algorithm."""

from collections.abc import Mapping

from localaws.ports import Credentials, Scope
from localaws.sagemaker.training.host import TrainingHost
from localaws.sagemaker.training.request import TrainingRequest


def variables(
    request: TrainingRequest, arn: str, host: TrainingHost, url: str, scope: Scope, session: Credentials
) -> Mapping[str, str]:
    """Return what a host's process is told; the request's own variables come last.

    A job with network isolation is told neither the role's keys nor the embedded AWS's address. The address
    where its hosts meet has a port of its own, since the hosts of all jobs are on 127.0.0.1.
    """
    access = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
    }
    return {
        "TRAINING_JOB_NAME": request.name,
        "TRAINING_JOB_ARN": arn,
        "CURRENT_HOST": host.name,
        "SAGEMAKER_JOB_NAME": request.name,
        "SAGEMAKER_REGION": scope.region,
        "AWS_REGION": scope.region,
        "AWS_DEFAULT_REGION": scope.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SLIPWAY_JOB_PORT": str(host.place.port),
        **({} if request.is_isolated else access),
        **request.environment,
    }
