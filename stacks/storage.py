"""The keys in a stage's bucket that stacks and command line agree on. Standard library only.

    data/<model>/<version of the data>/{train,validation,test}/…    what models are trained and tested on
    jobs/<training job>/{code,output,checkpoints}/…                 what a training job reads and leaves
    batch/<model>/input/<run>/…, batch/<model>/output/<run>/…       what a transform job reads and leaves
    models/<model>/<version>/{model.tar.gz,pointer.json}            versions that a function may take
    models/<model>/current.json                                     the pointer to the one in force

A prefix ends at a slash.
"""

from __future__ import annotations

DATA, JOBS, BATCH, MODELS = "data/", "jobs/", "batch/", "models/"
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


def models_prefix(model: str) -> str:
    """Return where the versions of a model for functions are."""
    return f"{MODELS}{model}/"


def model_archive_key(model: str, version: str) -> str:
    """Return where the archive of one version is."""
    return f"{models_prefix(model)}{version}/model.tar.gz"


def pointer_key(model: str, version: str) -> str:
    """Return where the pointer to one version is kept, from when a function has tried it."""
    return f"{models_prefix(model)}{version}/pointer.json"


def current_pointer_key(model: str) -> str:
    """Return where the pointer in force is."""
    return f"{models_prefix(model)}current.json"


def uri(bucket: str, key: str) -> str:
    """Return s3://bucket/key."""
    return f"s3://{bucket}/{key}"
