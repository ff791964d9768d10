"""Images of one's own on the embedded AWS: with an engine of this machine, and as a process without one."""

from __future__ import annotations

import io
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from localaws.control import ACCOUNT, LocalAws
from localaws.images.engine import VARIABLE, find_engine, forget
from localaws.images.registry_client import RegistryClient
from localaws.images.store import ImageStore
from slipway.aws import Aws
from slipway.errors import DeployFailed
from slipway.image_assets import publish_images
from slipway.story import Story
from stacks.settings import StageSettings
from tests.local.conftest import free_port, state_root
from tests.local.published import HOST, PULL, Published, context
from tests.local.toy import allow, policy

PUSH = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload",
        "ecr:BatchCheckLayerAvailability", "ecr:GetAuthorizationToken"]  # fmt: skip
KINDS = ("engine", "process")


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both ways to run an image, one after the other."""
    if request.param == "engine" and find_engine() is None:
        pytest.skip("neither docker nor podman answers on this machine")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "process":
            patch.setenv(VARIABLE, "none")
        yield request.param


@pytest.fixture(scope="module")
def published(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """An AWS that holds the toy image as toy:one."""
    folder = tmp_path_factory.mktemp(kind)
    local = LocalAws(state_root(folder / "root"))
    found = Published(local, local.start(free_port()), context(folder / "context"))
    found.prepare()
    for done in (found.build(), found.login(), found.push("one")):
        assert done.returncode == 0, done.stderr
    yield found
    local.stop()


@pytest.fixture(scope="module")
def serving(published: Published) -> Iterator[str]:
    """The name of an endpoint that runs toy:one."""
    settled = published.endpoint("toy", f"{HOST}/toy:one")
    assert settled["EndpointStatus"] == "InService", settled.get("FailureReason")
    yield "toy"
    published.drop("toy")


def denied(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Message"])


def keys(published: Published, role: str) -> dict[str, str]:
    """Keys of a session of a role that this account trusts."""
    made = published.boto("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
        "aws_session_token": made["SessionToken"],
    }


def test_an_image_serves_its_model_with_its_own_variables(
    published: Published, serving: str, kind: str
) -> None:
    told = published.ask(serving, "who are you?")

    assert (told["asked"], told["model"], told["own"]) == ("who are you?", "seven", "own value")
    assert told["threads"] == "1"  # from ENV of the Dockerfile
    assert told["arguments"] == ["serve"]
    assert told["aws"] < 500  # the embedded AWS is reached from inside


def test_a_transform_job_runs_the_image_as_well(published: Published) -> None:
    role = published.role("batching", [*PULL, "s3:GetObject", "s3:ListBucket", "s3:PutObject", "logs:*"])
    published.model("batching", f"{HOST}/toy:one", role)
    published.boto("s3").put_object(Bucket="models", Key="in/a.txt", Body=b"first")
    sagemaker = published.boto("sagemaker")
    sagemaker.create_transform_job(
        TransformJobName="batching", ModelName="batching",
        TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://models/in"}}},
        TransformOutput={"S3OutputPath": "s3://models/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )  # fmt: skip
    sagemaker.get_waiter("transform_job_completed_or_stopped").wait(
        TransformJobName="batching", WaiterConfig={"Delay": 1, "MaxAttempts": 90}
    )

    told = json.loads(published.boto("s3").get_object(Bucket="models", Key="out/a.txt.out")["Body"].read())

    sagemaker.delete_model(ModelName="batching")
    assert (told["asked"], told["model"]) == ("first", "seven")


def test_a_container_has_no_rights_but_to_answer(published: Published, serving: str, kind: str) -> None:
    if kind == "process":
        pytest.skip("a process has the rights of the embedded AWS itself")
    told = published.ask(serving)

    assert told["uid"] == 10001
    assert told["model_dir"] == "/opt/ml/model"
    assert told["writable"] == ["/tmp"]
    assert told["python"] == [3, 13]


def test_what_it_prints_is_in_the_endpoints_log(published: Published, serving: str) -> None:
    published.ask(serving)
    group, logs = f"/aws/sagemaker/Endpoints/{serving}", published.boto("logs")
    lines: list[str] = []
    deadline = time.monotonic() + 20
    while "asked for /invocations" not in lines and time.monotonic() < deadline:
        time.sleep(0.1)
        with suppress(logs.exceptions.ResourceNotFoundException):  # nothing has been printed yet
            events = logs.filter_log_events(logGroupName=group)["events"]
            lines = [event["message"] for event in events]
    assert "serving" in lines
    assert "asked for /invocations" in lines


def test_one_that_ends_is_started_again(published: Published, serving: str) -> None:
    with pytest.raises(ClientError):
        published.ask(serving, "crash")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if published.ask(serving, "again")["asked"] == "again":
                return
        except ClientError:
            time.sleep(0.2)
    pytest.fail("it did not come back")


def test_a_serverless_variant_runs_it_too(published: Published) -> None:
    size = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}
    try:
        assert published.endpoint("small", f"{HOST}/toy:one", **size)["EndpointStatus"] == "InService"
        assert published.ask("small", "hello")["asked"] == "hello"
    finally:
        published.drop("small")


def test_ecr_lists_what_was_pushed(published: Published) -> None:
    details = published.boto("ecr").describe_images(repositoryName="toy")["imageDetails"]

    assert [image["imageTags"] for image in details] == [["one"]]
    assert details[0]["imageSizeInBytes"] > 2000  # more than the manifest
    assert details[0]["imageManifestMediaType"] == "application/vnd.docker.distribution.manifest.v2+json"


def test_what_was_built_is_found_by_the_next_deploy(published: Published) -> None:
    assert published.docker("inspect", "cdkasset-toy").returncode == 0
    assert published.docker("inspect", "cdkasset-other").returncode == 1


def test_the_same_image_can_be_pushed_again_and_another_cannot_take_its_tag(published: Published) -> None:
    assert published.push("one").returncode == 0

    built = published.build("cdkasset-other", "--build-arg", "S3=true")
    refused = published.push("one", "cdkasset-other")

    assert built.returncode == 0, built.stderr
    assert refused.returncode == 1
    assert "cannot be overwritten because the repository is immutable" in refused.stderr


def test_a_missing_tag_is_refused_when_the_model_is_made(published: Published) -> None:
    with pytest.raises(ClientError) as error:
        published.model("missing", f"{HOST}/toy:two")

    assert denied(error) == f"Requested image {HOST}/toy:two not found."


def test_a_role_that_may_not_read_the_image_makes_no_model(published: Published) -> None:
    role = published.role("blind", ["s3:GetObject"])
    with pytest.raises(ClientError) as error:
        published.model("blind", f"{HOST}/toy:one", role)

    assert denied(error) == (
        f"The role '{role}' does not have BatchGetImage permission for the image: '{HOST}/toy:one'."
    )


def test_an_image_whose_layers_the_role_may_not_read_does_not_serve(published: Published) -> None:
    role = published.role("half-blind", ["s3:GetObject", *(set(PULL) - {"ecr:GetDownloadUrlForLayer"})])
    sagemaker = published.boto("sagemaker")
    published.model("half", f"{HOST}/toy:one", role)
    variant = {
        "VariantName": "v",
        "ModelName": "half",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    sagemaker.create_endpoint_config(EndpointConfigName="half", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="half", EndpointConfigName="half")

    settled = published.settled("half")
    published.drop("half")

    assert settled["EndpointStatus"] == "Failed"
    assert "ecr:GetDownloadUrlForLayer" in settled["FailureReason"]


def test_a_manifest_that_sagemaker_does_not_take_is_refused_by_its_type(published: Published) -> None:
    oci = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.loads(ImageStore(published.local.state.images).find("cdkasset-toy") or b"")
    token = ImageStore(published.local.state.images).read_json("tokens.json")[
        f"{published.server.url} {HOST}"
    ]
    client = RegistryClient(published.server.url, token)
    client.push_manifest("toy", "oci", json.dumps({**manifest, "mediaType": oci}).encode())

    with pytest.raises(ClientError) as error:
        published.model("oci", f"{HOST}/toy:oci")
    published.boto("ecr").batch_delete_image(repositoryName="toy", imageIds=[{"imageTag": "oci"}])

    assert denied(error).startswith(f"Unsupported manifest media type {oci} for image {HOST}/toy:oci.")


def test_who_may_not_push_is_told_what_is_missing(published: Published) -> None:
    role = published.role("reader", PUSH, "account")
    published.login(**keys(published, role))

    refused = published.push("two")
    published.login()

    assert refused.returncode == 1
    assert "is not authorized to perform: ecr:PutImage on resource: arn:aws:ecr:" in refused.stderr


def test_an_assemblys_image_is_published_once_under_the_role_that_it_names(published: Published) -> None:
    said = io.StringIO()
    story = Story(Console(file=said, width=200))
    stage = StageSettings(name="local", account=ACCOUNT, region="us-east-1")
    source = {
        "directory": "context",
        "dockerFile": "serving/Dockerfile",
        "dockerBuildTarget": "server",
        "dockerBuildArgs": {"ENGINE": "onnx"},
    }
    destination = {
        "repositoryName": "toy",
        "imageTag": "three",
        "assumeRoleArn": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/publisher",
    }
    manifest = {"dockerImages": {"toy": {"source": source, "destinations": {"here": destination}}}}
    published.role("publisher", [*PUSH, "ecr:Describe*"], "account")
    aws = Aws.local(stage, published.server)

    with pytest.raises(DeployFailed, match="ecr:PutImage"):
        publish_images(manifest, published.context.parent, aws, story)
    rights = policy([allow([*PUSH, "ecr:Describe*", "ecr:PutImage"], "*")])
    published.boto("iam").put_role_policy(RoleName="publisher", PolicyName="p", PolicyDocument=rights)
    publish_images(manifest, published.context.parent, aws, story)
    publish_images(manifest, published.context.parent, aws, story)
    published.login()

    assert said.getvalue().count("three: sha256:") == 1
    images = published.boto("ecr").describe_images(repositoryName="toy", imageIds=[{"imageTag": "three"}])
    assert images["imageDetails"]


def test_a_wrong_password_is_no_login(published: Published) -> None:
    refused = published.docker("login", "--username", "AWS", "--password-stdin", HOST, given="guess")

    assert refused.returncode == 1
    assert "authentication required" in refused.stderr


def test_a_deleted_repository_takes_its_layers_along(published: Published) -> None:
    ecr = published.boto("ecr")
    ecr.create_repository(repositoryName="gone")
    published.docker("tag", "cdkasset-toy", f"{HOST}/gone:one")
    assert published.docker("push", f"{HOST}/gone:one").returncode == 0
    layers = published.local.state.tmp / "registry" / f"{ACCOUNT}-us-east-1-gone"
    held = len(list(layers.iterdir()))

    ecr.delete_repository(repositoryName="gone", force=True)

    assert held > 1
    assert not layers.exists()


def test_an_engines_stop_and_a_crash_leave_nothing_in_it(kind: str, tmp_path: Path) -> None:
    if kind == "process":
        pytest.skip("no engine")
    local = LocalAws(state_root(tmp_path / "root"))
    for end in ("stop", "crash"):
        found = Published(local, local.start(free_port()), context(tmp_path / end))
        found.prepare()
        if found.docker("inspect", "cdkasset-toy").returncode:
            found.build()
        for done in (found.login(), found.push("one")):
            assert done.returncode == 0, done.stderr
        found.endpoint("left", f"{HOST}/toy:one")
        inside = {f"{entry.service} {entry.kind}" for entry in local.inventory().resources}
        assert {f"{engine_name()} container", f"{engine_name()} image"} <= inside
        if end == "crash":
            os.kill(found.server.pid, signal.SIGKILL)
            assert local.left_in_engine()
        forget(local.state.folder) if end == "crash" else local.stop()
        assert local.left_in_engine() == []
        assert not [name for name in in_engine() if "left-champion" in name]


def engine_name() -> str:
    engine = find_engine()
    return engine.name if engine else ""


def in_engine() -> list[str]:
    engine = find_engine()
    return engine.run("ps", "--all", "--format", "{{.Names}}").stdout.split() if engine else []
