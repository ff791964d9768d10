"""The transform jobs of one account and region."""

from collections.abc import Mapping
from typing import Any

from localaws.ports import Scope
from localaws.sagemaker import names, shapes
from localaws.sagemaker.errors import ApiError, validation_error
from localaws.sagemaker.fleet import Host
from localaws.sagemaker.listing import listed
from localaws.sagemaker.models import Models
from localaws.sagemaker.transform import request as requests
from localaws.sagemaker.transform.job import TransformJob


class TransformJobs:
    """Their records stay for ever, as on AWS: nothing deletes a transform job."""

    kind = "transform-job"

    def __init__(self, host: Host, scope: Scope, models: Models) -> None:
        self._host = host
        self._scope = scope
        self._models = models
        self.items: dict[str, TransformJob] = {}

    def create(self, request: Mapping[str, Any]) -> TransformJob:
        """Check a request and start the job."""
        parsed = requests.parsed(request)
        arn = names.arn(self._scope, self.kind, parsed.name)
        if parsed.name in self.items:
            raise ApiError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this name already "
                f"exists ({arn})",
            )
        model = self._models.get(parsed.model_name)
        kept = {member: value for member, value in request.items() if member != "Tags"}
        job = self.items[parsed.name] = TransformJob(self._host, self._scope, arn, model, parsed, kept)
        job.start()
        return job

    def get(self, request: Mapping[str, Any]) -> TransformJob:
        """Return the job that a request names. Raises the ValidationException for an unknown one."""
        shapes.check("DescribeTransformJob", request)
        name = str(request["TransformJobName"])
        if name not in self.items:
            raise validation_error(f"Could not find requested job with name: {name}")
        return self.items[name]

    def stop(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Stop the job that a request names."""
        self.get(request).stop()
        return {}

    def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ListTransformJobs answer."""
        shapes.check("ListTransformJobs", request)
        summaries = [job.summary() for job in self.items.values()]
        name, status = "TransformJobName", "TransformJobStatus"
        return listed("TransformJobSummaries", summaries, request, name=name, status=status)
