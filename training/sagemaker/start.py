"""Starting a job, once, whatever the network does meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from slipway.errors import AwsUnreachable, JobGoesOn, JobLost

from .place import Place
from .request import as_sdk


def start_job(
    jobs: Any, request: Mapping[str, Any], place: Place, *, job: str, model: str, section: str
) -> Any:
    """Start a job and return the SDK's resource.

    Args:
        jobs: the SDK's TrainingJob or TransformJob.
        request: of the API's Create…Job.
        place: where.
        job: its name, which no other job has.
        model: the model's name.
        section: of model.toml, which says on what it runs.

    Raises:
        AwsUnreachable: SageMaker refuses.
        JobGoesOn, JobLost: interrupted, or cut off, before the answer came; the job may run.
    """
    where = {"session": place.session, "region": place.region}
    look = f"Look whether it runs: slipway jobs {place.option(model)}"
    try:
        try:
            return jobs.create(**as_sdk(request), **where)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceInUse":
                raise
            # The name is ours alone: the answer to a first request was lost, and a second one was sent.
            return jobs.get(job, **where)
    except ClientError as error:
        raise AwsUnreachable(
            f"SageMaker refused to start {job}.",
            why=str(error),
            fix=f"Mend {section} in model_code/{model}/model.toml, or your account's limits or rights.",
        ) from None
    except (ConnectionError, HTTPClientError) as error:
        raise JobLost(f"Nobody answered when {job} was to be started.", why=str(error), fix=look) from None
    except KeyboardInterrupt:
        raise JobGoesOn(f"Interrupted while {job} was being started.", fix=look) from None
