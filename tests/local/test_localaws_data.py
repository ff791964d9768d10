"""Training data in S3: read as a shell's own credentials may, and refused with what S3 says."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from localaws.control import ACCOUNT, REGION, LocalAws
from slipway.errors import DataInvalid
from stacks.settings import load_model
from tests.local.conftest import Boto, free_port
from tests.local.toy import allow, policy
from training.data import Dataset, load_dataset

BUCKET, USER = "data-of-flats", "reader-of-flats"
TABLE = pd.DataFrame({"area": [1.5, 2.5, 3.5], "city": ["a", "b, c", "a"], "price": [1.0, 2.0, 3.0]})


def parquet() -> bytes:
    content = io.BytesIO()
    TABLE.to_parquet(content)
    return content.getvalue()


OBJECTS = {
    "in/flats.csv": TABLE.to_csv(index=False).encode(),
    "in/flats.csv.gz": gzip.compress(TABLE.to_csv(index=False).encode()),
    "in/flats.parquet": parquet(),
    "other/flats.csv": TABLE.to_csv(index=False).encode(),
}


@pytest.fixture(scope="module")
def bucket(boto: Boto) -> Iterator[str]:
    """A bucket with the same table in three forms."""
    s3 = boto("s3")
    s3.create_bucket(Bucket=BUCKET)
    for key, content in OBJECTS.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    yield BUCKET
    for key in OBJECTS:
        s3.delete_object(Bucket=BUCKET, Key=key)
    s3.delete_bucket(Bucket=BUCKET)


@pytest.fixture(scope="module")
def reader(boto: Boto) -> Iterator[dict[str, str]]:
    """Keys of a user who may read the objects under in/, and nothing else."""
    iam = boto("iam")
    iam.create_user(UserName=USER)
    rights = allow(["s3:GetObject"], f"arn:aws:s3:::{BUCKET}/in/*")
    iam.put_user_policy(UserName=USER, PolicyName="read", PolicyDocument=policy([rights]))
    made = iam.create_access_key(UserName=USER)["AccessKey"]
    yield {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}
    iam.delete_access_key(UserName=USER, AccessKeyId=made["AccessKeyId"])
    iam.delete_user_policy(UserName=USER, PolicyName="read")
    iam.delete_user(UserName=USER)


@pytest.fixture
def shell(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The variables that `slipway env` prints."""
    server = local_aws.server()
    assert server is not None
    for name, value in {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        "NO_PROXY": "127.0.0.1,localhost",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def load(folder: Path, data: str) -> Dataset:
    model = folder / "model_code" / "flats"
    model.mkdir(parents=True, exist_ok=True)
    settings = {"task": "regression", "data": data, "label": "price", "categories": ["city"]}
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (model / "model.toml").write_text("[model]\n" + "\n".join(lines) + "\n")
    return load_dataset(load_model(folder, "flats"))


def test_the_same_table_is_read_in_every_form(bucket, shell, reader, tmp_path):
    (tmp_path / "model_code" / "flats").mkdir(parents=True)
    (tmp_path / "model_code" / "flats" / "flats.csv").write_bytes(OBJECTS["in/flats.csv"])
    for name, value in reader.items():
        shell.setenv(name, value)

    found = [load(tmp_path, f"s3://{bucket}/{key}") for key in OBJECTS if key.startswith("in/")]

    assert {dataset.sha256 for dataset in found} == {load(tmp_path, "flats.csv").sha256}
    assert found[0].categories == {"city": ("a", "b, c")}


@pytest.mark.parametrize("place", [f"{BUCKET}/in/nowhere.csv", "no-such-bucket-of-flats/flats.csv"])
def test_an_object_that_is_not_there_is_said_so(bucket, shell, tmp_path, place):
    with pytest.raises(DataInvalid, match=rf"s3://{place} is not there.\nNoSuch(Key|Bucket): .*\nMend"):
        load(tmp_path, f"s3://{place}")


def test_who_may_not_read_is_told_which_right_is_missing(bucket, shell, reader, tmp_path):
    for name, value in reader.items():
        shell.setenv(name, value)

    with pytest.raises(DataInvalid, match=r"(?s)may not be read.*AccessDenied.*Allow s3:GetObject"):
        load(tmp_path, f"s3://{bucket}/other/flats.csv")


def test_without_credentials_the_way_to_sign_in_is_told(bucket, shell, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        shell.delenv(name)

    with pytest.raises(DataInvalid, match=r"(?s)without credentials.*Unable to locate.*aws sso login"):
        load(tmp_path, f"s3://{bucket}/in/flats.csv")


def test_an_unknown_profile_is_told(bucket, shell, tmp_path):
    shell.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(DataInvalid, match=r"(?s)without credentials.*nobody"):
        load(tmp_path, f"s3://{bucket}/in/flats.csv")


def test_an_s3_that_does_not_answer_is_told(shell, tmp_path):
    shell.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")

    with pytest.raises(DataInvalid, match=r"(?s)cannot be reached.*AWS_ENDPOINT_URL"):
        load(tmp_path, "s3://bucket/flats.csv")


def test_without_an_endpoint_of_its_own_s3_is_asked_over_tls(shell, tmp_path):
    """Through a proxy that refuses: what it is asked for is a tunnel to port 443."""
    shell.delenv("AWS_ENDPOINT_URL")
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(1000).split(b"\r\n")[0])
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        for name in ("HTTPS_PROXY", "https_proxy"):
            shell.setenv(name, f"http://127.0.0.1:{listener.getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy"):
            shell.delenv(name, raising=False)
        with pytest.raises(DataInvalid, match="cannot be reached"):
            load(tmp_path, "s3://bucket-of-flats/flats.csv")
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=10)

    assert asked and all(line.startswith(b"CONNECT ") and b":443 " in line for line in asked)
    assert "AWS_ENDPOINT_URL" not in os.environ
