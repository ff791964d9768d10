"""An object of S3, read with the credentials, the region and the endpoint that the shell has."""

from __future__ import annotations

import re
import shutil
from typing import Any, BinaryIO

from slipway.errors import DataInvalid

_URI = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>.+)")
_ABSENT = {"NoSuchKey", "NoSuchBucket", "404"}
_WHO = "Look at who you are with: aws sts get-caller-identity"


def download(uri: str, file: BinaryIO) -> None:
    """Write an object into a file, over TLS unless AWS_ENDPOINT_URL says otherwise.

    Raises:
        DataInvalid: it is not there, may not be read, or S3 cannot be asked.
    """
    match = _URI.fullmatch(uri)
    if match is None:
        raise DataInvalid(f"{uri} is no object of S3.", fix="Write `data` as s3://bucket/key.csv.")
    import boto3
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        CredentialRetrievalError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
        SSOError,
    )

    config = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5, read_timeout=60)
    try:
        client = boto3.Session().client("s3", config=config)
        body = client.get_object(Bucket=match["bucket"], Key=match["key"])["Body"]
        shutil.copyfileobj(body, file, 1024 * 1024)
    except ClientError as error:
        raise _refused(uri, error.response["Error"]) from None
    except (
        NoCredentialsError,
        PartialCredentialsError,
        CredentialRetrievalError,
        ProfileNotFound,
        SSOError,
    ) as error:
        raise DataInvalid(
            f"{uri} cannot be read without credentials.",
            why=str(error),
            fix='Sign in to AWS (aws configure, aws sso login). For the embedded AWS: eval "$(slipway env)"',
        ) from None
    except BotoCoreError as error:
        raise DataInvalid(
            f"{uri} cannot be reached.",
            why=str(error),
            fix="Look at the network, at AWS_REGION and at AWS_ENDPOINT_URL.",
        ) from None


def _refused(uri: str, error: dict[str, Any]) -> DataInvalid:
    code, message = str(error.get("Code", "")), str(error.get("Message", ""))
    why = f"{code}: {message}"
    if code in _ABSENT:
        return DataInvalid(
            f"{uri} is not there.", why=why, fix="Mend `data` in model.toml, or upload the file."
        )
    if code == "AccessDenied":
        return DataInvalid(
            f"{uri} may not be read.",
            why=f"{why}. S3 says so too of an object that is not there, to who may not list the bucket.",
            fix=f"Allow s3:GetObject on it (and kms:Decrypt where the bucket has a key of its own). {_WHO}",
        )
    return DataInvalid(f"{uri} cannot be read.", why=why, fix=_WHO)
