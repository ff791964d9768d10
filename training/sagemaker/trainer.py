"""Trainers that are SageMaker jobs: one that starts a job, and one that takes over a job of before."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from slipway.errors import JobDiffers, NoSuchJob, TrainingFailed
from stacks import storage
from stacks.settings import ModelSettings
from stacks.training_job import hyperparameters, training_image
from training.data import Dataset
from training.fit import Progress, Trained, model_file
from training.split import Split

from .follow import Ended, follow_on
from .inputs import Inputs, present_inputs, upload_inputs
from .jobs import FollowedTraining, final_metrics
from .names import job_name
from .place import Place
from .request import image_uri, training_request
from .result import fetch_model
from .sdk import training_job
from .start import start_job


@dataclass(frozen=True)
class SageMakerTrainer:
    """Starts a training job and follows it, as a Trainer."""

    place: Place

    def __call__(
        self, settings: ModelSettings, dataset: Dataset, parts: Split, *, progress: Progress
    ) -> Trained:
        """Train on the stage's SageMaker.

        Raises:
            ToolMissing: the SDK is not installed.
            TrainingFailed: the job failed or was stopped, or left no model.
            AwsUnreachable: SageMaker refuses.
            JobGoesOn, JobLost: the job goes on, and is not followed any more.
        """
        place, jobs = self.place, training_job()  # what is not installed is said before anything is sent
        inputs = upload_inputs(place, settings, dataset, parts, progress=progress)
        job = job_name(place.stage, settings.name)
        request = training_request(place, settings, job, inputs)
        if inputs.code is not None:
            place.client("s3").upload_fileobj(io.BytesIO(inputs.code), place.bucket, storage.code_key(job))
        train = settings.train
        progress(f"job {job}: {train.instance_count} x {train.instance_type}")
        resource = start_job(jobs, request, place, job=job, model=settings.name, section="[train]")
        return _result(place, settings, resource, progress)


@dataclass(frozen=True)
class AttachedTrainer:
    """Takes over a training job that was started before, as a Trainer."""

    place: Place
    job: str

    def __call__(
        self, settings: ModelSettings, dataset: Dataset, parts: Split, *, progress: Progress
    ) -> Trained:
        """Follow the job to its end, or take what it left.

        Raises:
            ToolMissing, TrainingFailed, JobGoesOn, JobLost, AwsUnreachable: as SageMakerTrainer does.
            NoSuchJob: there is no training job of that name.
            JobDiffers: it trained on other data, in another image, or with other hyperparameters or code than
                the model folder has now.
        """
        place = self.place
        try:
            resource = training_job().get(self.job, session=place.session, region=place.region)
        except ClientError as error:
            raise NoSuchJob(
                f"There is no training job {self.job} on {place.stage}.",
                why=str(error),
                fix=f"Look at: slipway jobs {place.option(settings.name)}",
            ) from None
        _require_same(place, settings, resource, present_inputs(place, settings, dataset, parts))
        return _result(place, settings, resource, progress)


def _result(place: Place, settings: ModelSettings, resource: Any, progress: Progress) -> Trained:
    job = FollowedTraining(resource, place)
    ended = follow_on(place, settings.name, job, progress)
    if ended.state.status != "Completed":
        raise _failed(settings, job.name, ended)
    uri = str(resource.model_artifacts.s3_model_artifacts)
    progress(f"bring {uri} here")
    if uri != storage.uri(place.bucket, storage.archive_key(job.name)):
        raise TrainingFailed(
            f"The job {job.name} left its model at {uri}.",
            why="That is not its place in the stage's bucket, and nothing from elsewhere is loaded here.",
            fix=f"Run: slipway train {place.option(settings.name)} --on sagemaker",
        )
    account = str(resource.training_job_arn).split(":")[4]
    content = fetch_model(place.client("s3"), uri, model_file(settings), job=job.name, account=account)
    notes = {
        "name": job.name,
        "arn": str(resource.training_job_arn),
        "stage": place.stage,
        "image": str(resource.algorithm_specification.training_image),
        "instances": f"{settings.train.instance_count} x {settings.train.instance_type}",
        "model": uri,
    }
    return Trained(model_file(settings), content, final_metrics(resource), notes)


def _require_same(place: Place, settings: ModelSettings, resource: Any, now: Inputs) -> None:
    """Refuse a job whose result would be packaged with a manifest that is not true of it."""
    read = {
        str(channel.channel_name): str(channel.data_source.s3_data_source.s3_uri)
        for channel in resource.input_data_config
    }
    differing = []
    if any(read.get(name) != uri for name, uri in now.channels.items()):
        differing.append("the data or its split")
    if dict(resource.hyper_parameters) != hyperparameters(settings, place.region):
        differing.append("the hyperparameters")
    if resource.algorithm_specification.training_image != image_uri(training_image(settings), place.region):
        differing.append("the image")
    if now.code is not None:
        key = storage.code_key(str(resource.training_job_name))
        folder = storage.uri(place.bucket, key.removesuffix(storage.CODE_FILE))
        if (
            read.get("code") != folder
            or place.client("s3").get_object(Bucket=place.bucket, Key=key)["Body"].read() != now.code
        ):
            differing.append("train.py or what is beside it")
    if differing:
        raise JobDiffers(
            f"{resource.training_job_name} is not a training of what model_code/{settings.name} is now.",
            why=f"Since it was started, {' and '.join(differing)} changed.",
            fix=f"Put them back as they were, or train anew: slipway train {place.option(settings.name)} "
            "--on sagemaker",
        )


def _failed(settings: ModelSettings, job: str, ended: Ended) -> TrainingFailed:
    state = ended.state
    if state.status == "Stopped":
        last = state.steps[-1] if state.steps else "Stopped"
        timed_out = last.startswith(("MaxRuntimeExceeded", "MaxWaitTimeExceeded"))
        return TrainingFailed(
            f"The job {job} was stopped.",
            why=f"{last}. {state.reason}".strip(),
            fix="Raise max_runtime_minutes (and with spot max_wait_minutes) in [train] and train again."
            if timed_out
            else f"Run: slipway train {settings.name} --on sagemaker",
        )
    lines = [line for line in ended.tail if line.strip() not in state.reason]
    return TrainingFailed(
        f"The job {job} failed.",
        why="\n".join([state.reason, *lines]).strip(),
        fix=f"Mend model_code/{settings.name} and run: slipway train {settings.name} --on sagemaker. "
        f"slipway train {settings.name} tries it on this machine first.",
    )
