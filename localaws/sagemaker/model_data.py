"""What every model server is given, whatever it serves for: its model's files and its variables."""

from collections.abc import Mapping
from pathlib import Path

from localaws.ports import Credentials, ObjectStore, Scope
from localaws.sagemaker.archive import BadArchiveError, unpack
from localaws.sagemaker.models import Container


def fetch(container: Container, base: Path, objects: ObjectStore, session: Credentials) -> None:
    """Unpack the model's archive into the folder `model` of `base`, which is /opt/ml; empty without one.

    Raises AccessDeniedError, NotFoundError, or BadArchiveError in SageMaker's words.
    """
    folder = base / "model"
    if container.archive is None:
        folder.mkdir()
        return
    archive = base / "model.tar.gz"
    objects.download(*container.archive, archive, session)
    try:
        unpack(archive, folder)
    except BadArchiveError as error:
        uri = "s3://{}/{}".format(*container.archive)
        raise BadArchiveError(
            f"Failed to extract model data archive from URL {uri}. Please ensure that the object located at "
            f"the URL is a valid tar.gz archive. ({error})"
        ) from error
    archive.unlink()


def variables(container: Container, url: str, scope: Scope, session: Credentials) -> dict[str, str]:
    """Return the environment: the embedded AWS's address, the role's keys, and the model's own variables."""
    given: Mapping[str, str] = container.environment
    return {
        "SM_MODEL_DIR": "/opt/ml/model",
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": scope.region,
        "AWS_DEFAULT_REGION": scope.region,
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
        "AWS_EC2_METADATA_DISABLED": "true",
        **given,
    }
