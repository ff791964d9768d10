"""What a FailureReason says, in SageMaker's words."""

from localaws.ports import AccessDeniedError
from localaws.sagemaker.training.s3_uri import S3Uri

_MAX_REASON = 1024  # characters
_KILLED = 137  # 128 and SIGKILL: what the kernel sends where memory ends
# What AWS's images write before a failure that is the caller's.
_CLIENT = ("ClientError", "UserError", "CustomerError", "Customer Error")


class JobError(Exception):
    """The job fails; the text is its FailureReason."""


def of_process(code: int, text: str | None) -> JobError:
    """Return the failure of a host: its exit code, and what it wrote to `output/failure`, if anything."""
    if text is None and code == _KILLED:
        return JobError(
            "ClientError: Please use an instance type with more memory, or reduce the size of job data "
            f"processed on an instance. OutOfMemory: process killed by SIGKILL, exit code: {code}"
        )
    told = (text or "").strip()
    kind = "AlgorithmError"
    for prefix in _CLIENT:
        if told.startswith(prefix):
            kind, told = "ClientError", told.removeprefix(prefix).lstrip(": ")
            break
    end = f", exit code: {code}"
    return JobError(f"{kind}: {told[: _MAX_REASON - len(kind) - len(end) - 2]}{end}")


def of_empty_channel(uri: S3Uri, role_arn: str, region: str) -> JobError:
    """Return the failure of a prefix without objects; one that the role may not list looks the same."""
    return JobError(
        f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure '
        f"that the bucket exists in the selected region ({region}), that objects exist under that S3 prefix, "
        f'and that the role "{role_arn}" has "s3:ListBucket" permissions on bucket "{uri.bucket}".'
    )


def of_download(uri: S3Uri, error: Exception) -> JobError:
    """Return the failure of one object that cannot be read, or not be written to the disk."""
    return JobError(f"ClientError: Data download failed:Unable to download object {uri} ({_cause(error)})")


def of_upload(uri: S3Uri, error: Exception) -> JobError:
    """Return the failure of one object that cannot be stored."""
    return JobError(f"ClientError: Artifact upload failed:Unable to upload object {uri} ({_cause(error)})")


def of_service(error: Exception) -> JobError:
    """Return the failure that is neither the script's nor the caller's."""
    text = f"InternalServerError: We encountered an internal error. Please try again. ({error})"
    return JobError(text[:_MAX_REASON])


def _cause(error: Exception) -> str:
    if isinstance(error, AccessDeniedError):
        return "AccessDenied: Access Denied"
    return f"{type(error).__name__}: {error}"
