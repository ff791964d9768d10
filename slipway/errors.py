"""The one error base of the project: what happened, why, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SlipwayError(Exception):
    """A failure that a person can act on.

    Args:
        what: what happened, one sentence.
        why: the cause, where it is known.
        fix: the next thing to do.
    """

    code = "E-FAILED"
    exit_code = 1

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        self.what, self.why, self.fix = what, why, fix
        super().__init__("\n".join(part for part in (what, why, fix) if part))


class SettingsError(SlipwayError):
    """model.toml, stages.toml or a `-c`/`--set` override is wrong."""

    code = "E-SETTINGS"
    exit_code = 2


class UnknownModel(SlipwayError):
    """No folder of that name in model_code/."""

    code = "E-UNKNOWN-MODEL"
    exit_code = 2


class ArtifactMissing(SlipwayError):
    """A model was never trained on this machine, or the version asked for is not here."""

    code = "E-ARTIFACT-MISSING"
    exit_code = 3


class ArtifactInvalid(SlipwayError):
    """An artifact's files are not what its manifest and its version say."""

    code = "E-ARTIFACT-INVALID"
    exit_code = 3


class VersionMismatch(SlipwayError):
    """The model was trained with another library version than the serving image has."""

    code = "E-VERSION-MISMATCH"
    exit_code = 3


class GateFailed(SlipwayError):
    """The model is worse than its gate allows."""

    code = "E-GATE"
    exit_code = 3


class DataInvalid(SlipwayError):
    """The data cannot be read as a table of numbers with a label."""

    code = "E-DATA"
    exit_code = 3


class TrainingFailed(SlipwayError):
    """train.py ended with an error or left no model."""

    code = "E-TRAIN"


class JobGoesOn(SlipwayError):
    """Ctrl-C while a job was followed: the job itself goes on."""

    code = "E-JOB-GOES-ON"
    exit_code = 130


class NoSuchJob(SlipwayError):
    """There is no job of that name on that stage."""

    code = "E-JOB-UNKNOWN"
    exit_code = 2


class JobDiffers(SlipwayError):
    """A job was started from other data, settings or code than the model folder has now."""

    code = "E-JOB-DIFFERS"
    exit_code = 3


class BatchFailed(SlipwayError):
    """A transform job failed or was stopped, or its output is not whole."""

    code = "E-BATCH"


class NoEngine(SlipwayError):
    """The model has no form that a container of ours can load."""

    code = "E-ENGINE"
    exit_code = 3


class PackageMissing(SlipwayError):
    """A model's package for Lambda or Beanstalk was not built on this machine, or what is in it changed."""

    code = "E-PACKAGE-MISSING"
    exit_code = 3


class PackageTooLarge(SlipwayError):
    """A model's package is larger than Lambda or Elastic Beanstalk takes."""

    code = "E-PACKAGE-SIZE"
    exit_code = 3


class PackageFailed(SlipwayError):
    """The packages that a function on Lambda needs cannot be installed."""

    code = "E-PACKAGE"
    exit_code = 3


class ImportRefused(SlipwayError):
    """A file with a model from elsewhere is not what it says, or does not fit the model folder."""

    code = "E-IMPORT"
    exit_code = 3


class DeployFailed(SlipwayError):
    """A stack did not reach the state that was asked for."""

    code = "E-DEPLOY"
    exit_code = 4


class SilentRollback(DeployFailed):
    """The stack says it is complete, yet the endpoint runs another configuration."""

    code = "E-SILENT-ROLLBACK"


class GoldenMismatch(DeployFailed):
    """The endpoint answers the golden rows otherwise than training did."""

    code = "E-GOLDEN"


class VersionRefused(DeployFailed):
    """A published version does not load, or answers otherwise than its model did in training."""

    code = "E-VERSION-REFUSED"


class NoSuchVersion(SlipwayError):
    """AWS does not hold the version to go back to, or the target has no versions to choose from."""

    code = "E-NO-VERSION"
    exit_code = 2


class NotRunning(SlipwayError):
    """The embedded AWS is needed and is not running."""

    code = "E-LOCAL-NOT-RUNNING"


class NotDeployed(SlipwayError):
    """The stack or the endpoint that was asked for does not exist."""

    code = "E-NOT-DEPLOYED"


class NoLogs(SlipwayError):
    """Nothing that serves the model has written a line yet."""

    code = "E-NO-LOGS"


class AwsUnreachable(SlipwayError):
    """AWS cannot be asked: no credentials, no region, no network, or no right to."""

    code = "E-AWS"
    exit_code = 4


class JobLost(AwsUnreachable):
    """The network went away while a job was followed, and stayed away: the job itself goes on."""

    code = "E-JOB-LOST"


class MixedUp(SlipwayError):
    """A stage that is an AWS account, in a shell that points at the embedded AWS."""

    code = "E-MIXED-UP"
    exit_code = 2


class LeftBehind(SlipwayError):
    """Destroy ended and something that the deploy made is still there."""

    code = "E-LEFT-BEHIND"
    exit_code = 3


class BadInput(SlipwayError):
    """Rows on the command line or in a file cannot be read."""

    code = "E-INPUT"
    exit_code = 2


class PredictionRefused(SlipwayError):
    """The endpoint answered with an error."""

    code = "E-PREDICT"


class ServerFailed(SlipwayError):
    """The server of `slipway serve` does not run, or its model is not ready."""

    code = "E-SERVE"


class ToolMissing(SlipwayError):
    """A program or a Python version that Slipway needs is not there."""

    code = "E-TOOL-MISSING"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "did you mean 'x'?" for the nearest known spelling, or an empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else ""
