"""The keys in a stage's bucket that stacks and command line agree on. Standard library only.

    data/<model>/<version of the data>/{train,validation,test}/…    what models are trained and tested on
    jobs/<training job>/{code,output,checkpoints}/…                 what a training job reads and leaves
    batch/<model>/input/<run>/…, batch/<model>/output/<run>/…       what a transform job reads and leaves

A prefix ends at a slash.
"""

from __future__ import annotations

DATA, JOBS, BATCH = "data/", "jobs/", "batch/"
# Where `slipway train` leaves the data that a scheduled training takes, and a person the rows of a scheduled
# transform.
CURRENT = "current"
CHANNELS = TRAIN, VALIDATION, TEST = ("train", "validation", "test")
CODE_FILE = "sourcedir.tar.gz"
_VERSION_DIGITS = 12


def data_version(sha256: str) -> str:
    """Return the version of data with this hex sha256: its first 12 digits."""
    return sha256[:_VERSION_DIGITS]


def data_prefix(model: str, channel: str, version: str = CURRENT) -> str:
    """Return where one channel's files of a model's data are."""
    return f"{DATA}{model}/{version}/{channel}/"


def job_prefix(job: str) -> str:
    """Return where everything of one training job is."""
    return f"{JOBS}{job}/"


def code_key(job: str) -> str:
    """Return where a job's training script is, packed."""
    return f"{job_prefix(job)}code/{CODE_FILE}"


def archive_key(job: str) -> str:
    """Return where SageMaker leaves a job's model."""
    return f"{job_prefix(job)}output/model.tar.gz"


def checkpoints_prefix(job: str) -> str:
    """Return where a job on spare machines keeps what it goes on from."""
    return f"{job_prefix(job)}checkpoints/"


def batch_input(model: str, run: str = "") -> str:
    """Return where the rows of one run are, or those of all; a scheduled run takes CURRENT's."""
    return f"{BATCH}{model}/input/" + (f"{run}/" if run else "")


def batch_output(model: str, run: str = "") -> str:
    """Return where the predictions of one run go, or those of all."""
    return f"{BATCH}{model}/output/" + (f"{run}/" if run else "")


def uri(bucket: str, key: str) -> str:
    """Return s3://bucket/key."""
    return f"s3://{bucket}/{key}"
