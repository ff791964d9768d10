"""The training jobs of one account and region."""

from collections.abc import Mapping
from typing import Any

from localaws.images.prebuilt import TrainingImage
from localaws.ports import Scope
from localaws.sagemaker import names, roles, shapes
from localaws.sagemaker.errors import ApiError, validation_error
from localaws.sagemaker.fleet import Host
from localaws.sagemaker.listing import listed
from localaws.sagemaker.training.job import TrainingJob
from localaws.sagemaker.training.request import TrainingRequest

_PAGE = 10  # where a list asks for no size
_FLAGS = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining")


class TrainingJobs:
    """Creates, describes, lists, stops and forgets jobs."""

    kind = "training-job"

    def __init__(self, host: Host, scope: Scope) -> None:
        self._host = host
        self._scope = scope
        self._requests: dict[str, Mapping[str, Any]] = {}
        self.items: dict[str, TrainingJob] = {}

    def create(self, request: Mapping[str, Any]) -> TrainingJob:
        """Check a request as SageMaker does, its role and image included, and begin the job."""
        checked = TrainingRequest.parse(request)
        arn = names.arn(self._scope, self.kind, checked.name)
        if checked.name in self.items:
            raise ApiError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a training job with "
                f"this name already exists ({arn})",
            )
        session = roles.assume(self._host.ports, checked.role_arn, arn, self._scope)
        image = self._host.images.find(checked.image, checked.role_arn, lambda: session)
        if not isinstance(image, TrainingImage):
            raise validation_error(
                f"Image {checked.image} cannot train on the embedded AWS: only AWS's prebuilt images do."
            )
        job = TrainingJob(self._host, self._scope, arn, checked, image)
        self._requests[checked.name] = _described(request, image)
        self.items[checked.name] = job
        job.start()
        return job

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the DescribeTrainingJob answer."""
        job = self._get("DescribeTrainingJob", request)
        return {**self._requests[job.request.name], **job.describe()}

    def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ListTrainingJobs answer: as documented, a page is cut before StatusEquals is applied."""
        shapes.check("ListTrainingJobs", request)
        status = request.get("StatusEquals")
        rest = {key: value for key, value in request.items() if key != "StatusEquals"}
        is_cut = bool(request.get("MaxResults"))
        answer = listed(
            "TrainingJobSummaries",
            [_summary(job) for job in self.items.values()],
            rest if is_cut else {"MaxResults": _PAGE, **request},
            name="TrainingJobName",
            status="TrainingJobStatus",
        )
        if status and is_cut:
            found = answer["TrainingJobSummaries"]
            answer["TrainingJobSummaries"] = [job for job in found if job["TrainingJobStatus"] == status]
        return answer

    def stop(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Begin to stop a job."""
        self._get("StopTrainingJob", request).stop()
        return {}

    def delete(self, request: Mapping[str, Any]) -> str:
        """Forget a job that has ended and return its ARN; its name is free again."""
        job = self._get("DeleteTrainingJob", request)
        if not job.history.is_final:
            raise ApiError(
                "ResourceInUse",
                f"Training job {job.request.name} is in status {job.status}: only one that has ended can be "
                "deleted.",
            )
        del self.items[job.request.name], self._requests[job.request.name]
        return job.arn

    def _get(self, operation: str, request: Mapping[str, Any]) -> TrainingJob:
        shapes.check(operation, request)
        job = self.items.get(request["TrainingJobName"])
        if job is None:
            raise validation_error("Requested resource not found.")
        return job


def _described(request: Mapping[str, Any], image: TrainingImage) -> Mapping[str, Any]:
    """Return the request as DescribeTrainingJob repeats it: with the metrics that the image brings."""
    algorithm = dict(request["AlgorithmSpecification"])
    brought = [{"Name": entry.name, "Regex": entry.regex} for entry in image.metric_definitions]
    if definitions := brought + (algorithm.get("MetricDefinitions") or []):
        algorithm["MetricDefinitions"] = definitions
    kept = {key: value for key, value in request.items() if key != "Tags"}
    return {**dict.fromkeys(_FLAGS, False), **kept, "AlgorithmSpecification": algorithm}


def _summary(job: TrainingJob) -> dict[str, Any]:
    told = job.history.describe()
    members = ("CreationTime", "TrainingEndTime", "LastModifiedTime", "TrainingJobStatus", "SecondaryStatus")
    return {
        "TrainingJobName": job.request.name,
        "TrainingJobArn": job.arn,
        **{member: told[member] for member in members if member in told},
    }
