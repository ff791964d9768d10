from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import ArtifactInvalid, NoEngine, SettingsError
from stacks.settings import load_model
from tests.synth.harness import Templates, every, make_artifact, make_project, synthesize
from training.artifact import write_artifact
from training.build_context import server_context

MODEL = "AWS::SageMaker::Model"


def _images(out: Path, stack: str = "slipway-dev-digits") -> dict[str, Any]:
    """Return the image assets of a stack, by their hash."""
    return json.loads((out / f"{stack}.assets.json").read_text(encoding="utf-8"))["dockerImages"]


def _built(root: Path, out: str, **context: str) -> tuple[str, Mapping[str, Any], Path]:
    """Return the hash and the source of digits' one image, and the folder that it is built from."""
    synthesize(root, root / out, stage="dev", models="digits", **context)
    ((hash_, image),) = _images(root / out).items()
    context = root / out / image["source"]["directory"]
    # What builds the image elsewhere, from a source bundle of Elastic Beanstalk, takes the very same files.
    staged = {p.relative_to(context).as_posix(): p.read_bytes() for p in context.rglob("*") if p.is_file()}
    assert server_context(root, load_model(root, "digits"), "onnx").files == staged
    return hash_, image["source"], context


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_project(tmp_path, "digits")


def test_the_image_is_built_for_x86_64_with_the_engine_and_a_pinned_base(root: Path) -> None:
    _, source, _ = _built(root, "out")
    assert source["platform"] == "linux/amd64"
    assert source["dockerFile"] == "serving/Dockerfile"
    assert source["dockerBuildTarget"] == "server"
    assert source["dockerBuildArgs"] == {
        "BASE_IMAGE": "public.ecr.aws/docker/library/python:3.13-slim",
        "ENGINE": "onnx",
    }


def test_the_image_is_built_from_the_serving_code_alone_without_what_functions_need(root: Path) -> None:
    _, _, context = _built(root, "out")
    files = {path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()}
    there = (root / "model_code" / "serving").rglob("*")
    everything = {p.relative_to(root / "model_code").as_posix() for p in there if p.is_file()}
    functions = ("serving/aws_lambda/", "serving/requirements-lambda-")
    assert files == {name for name in everything if not name.startswith(functions)}
    assert "serving/Dockerfile" in files


def test_the_image_depends_on_what_is_in_it_and_nothing_else(root: Path) -> None:
    before, _, _ = _built(root, "before")
    serving, digits = root / "model_code" / "serving", root / "model_code" / "digits"
    for folder in (serving, serving / "server"):
        (folder / "__pycache__").mkdir()
        (folder / "__pycache__" / "model.cpython-313.pyc").write_bytes(b"compiled")
    (serving / "stray.pyc").write_bytes(b"compiled")
    (digits / "inference.py").write_text("# it comes with the artifact\n", encoding="utf-8")
    (digits / "data").mkdir()
    (serving / "aws_lambda" / "handler.py").write_text("# another function\n", encoding="utf-8")
    (root / "model_code" / "notes.txt").write_text("mine", encoding="utf-8")
    make_artifact(root, "digits", b"newest", joblib=False)
    assert _built(root, "same")[0] == before

    (serving / "model.py").write_text("# another server\n", encoding="utf-8")
    assert _built(root, "other")[0] != before


def test_weights_and_machines_are_no_part_of_the_image(root: Path) -> None:
    variants = '[{name="champion",weight=1,instance_type="ml.c5.large"}]'
    assert _built(root, "a")[0] == _built(root, "b", digits__serve__variants=variants)[0]


def test_build_arguments_make_another_image(root: Path) -> None:
    hashes = {
        _built(root, "plain")[0],
        _built(root, "base", digits__serve__base_image="python:3.12-slim")[0],
        _built(root, "s3", digits__serve__s3_prefixes='["s3://bucket/rows"]')[0],
    }
    assert len(hashes) == 3


def test_a_model_that_reads_s3_gets_an_image_that_can(root: Path) -> None:
    _, source, _ = _built(root, "out", digits__serve__s3_prefixes='["s3://bucket/rows"]')
    assert source["dockerBuildArgs"]["S3"] == "true"


def test_requirements_of_the_model_folder_are_in_the_image(root: Path) -> None:
    before, _, _ = _built(root, "before")
    requirements = root / "model_code" / "digits" / "requirements.txt"
    requirements.write_text("holidays==0.60\n", encoding="utf-8")

    hash_, source, context = _built(root, "with")

    assert source["dockerBuildArgs"]["EXTRA_REQUIREMENTS"] == "digits/requirements.txt"
    assert [path.name for path in (context / "digits").iterdir()] == ["requirements.txt"]
    requirements.write_text("holidays==0.61\n", encoding="utf-8")
    assert len({before, hash_, _built(root, "newer")[0]}) == 3


def test_a_dockerfile_of_the_model_folder_is_built_with_all_of_that_folder(root: Path) -> None:
    folder = root / "model_code" / "digits"
    (folder / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    (folder / "tables").mkdir()
    (folder / "tables" / "codes.csv").write_text("1,2\n", encoding="utf-8")

    before, source, context = _built(root, "out")

    assert source["dockerFile"] == "digits/Dockerfile"
    assert "dockerBuildTarget" not in source
    mine = {path.relative_to(context / "digits").as_posix() for path in (context / "digits").rglob("*")}
    assert mine == {"Dockerfile", "elsewhere.py", "tables", "tables/codes.csv"}
    assert (context / "serving" / "server").is_dir()
    toml = folder / "model.toml"
    toml.write_text(toml.read_text().replace("weight = 90", "weight = 80"), encoding="utf-8")
    assert _built(root, "other-weights")[0] == before
    (folder / "tables" / "codes.csv").write_text("1,3\n", encoding="utf-8")
    assert _built(root, "other-table")[0] != before


def test_variants_with_one_engine_share_an_image_and_others_have_their_own(root: Path) -> None:
    assert len(_shared_images(root, "same")) == 1
    make_artifact(root, "digits", b"a forest", engine="sklearn", joblib=False)
    images = _shared_images(root, "other")
    assert [image["source"]["dockerBuildArgs"]["ENGINE"] for image in images.values()] == ["onnx", "sklearn"]
    template = json.loads((root / "other" / "slipway-dev-digits.template.json").read_text())
    used = [model["Properties"]["PrimaryContainer"]["Image"]["Fn::Sub"] for model in every(template, MODEL)]
    assert [image.rpartition(":")[2] for image in used] == list(images)


def _shared_images(root: Path, out: str) -> dict[str, Any]:
    synthesize(root, root / out, stage="dev", models="digits")
    return dict(
        sorted(
            _images(root / out).items(),
            key=lambda item: item[1]["source"]["dockerBuildArgs"]["ENGINE"],
        )
    )


def test_images_go_into_the_stage_s_repository_with_its_own_role(templates: dict[str, Templates]) -> None:
    shared = templates["dev"]["slipway-dev"]
    (repository,) = every(shared, "AWS::ECR::Repository")
    (role,) = (r for r in every(shared, "AWS::IAM::Role") if "RoleName" in r["Properties"])
    name = role["Properties"]["RoleName"]["Fn::Join"][1]
    assert name == ["slipway-dev-image-publishing-", {"Ref": "AWS::Region"}]
    (model, _) = every(templates["dev"]["slipway-dev-digits"], MODEL)
    image = model["Properties"]["PrimaryContainer"]["Image"]["Fn::Sub"]
    assert image.rpartition("/")[2].partition(":")[0] == repository["Properties"]["RepositoryName"]


def test_the_assets_of_a_model_wait_for_the_shared_stack(root: Path) -> None:
    synthesize(root, root / "out", stage="dev")
    (image,) = _images(root / "out").values()
    for destination in image["destinations"].values():
        assert destination["repositoryName"] == "slipway-dev"
        role = "role/slipway-dev-image-publishing-${AWS::Region}"
        assert destination["assumeRoleArn"] == "arn:${AWS::Partition}:iam::${AWS::AccountId}:" + role
    artifacts = json.loads((root / "out" / "manifest.json").read_text())["artifacts"]
    shared, model = artifacts["slipway-dev.assets"], artifacts["slipway-dev-digits.assets"]
    # `cdk deploy` builds images before all stacks, but for assets that depend on one.
    assert model["dependencies"] == ["slipway-dev"]
    assert "dependencies" not in shared
    assert model["properties"] == shared["properties"] | {"file": "slipway-dev-digits.assets.json"}


def test_only_this_account_may_publish_and_only_to_this_repository(dev: Templates) -> None:
    (role,) = (r for r in every(dev["slipway-dev"], "AWS::IAM::Role") if "RoleName" in r["Properties"])
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"]["AWS"]["Fn::Join"][1][-2:] == [{"Ref": "AWS::AccountId"}, ":root"]
    push, log_in = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert push["Resource"] == {"Fn::GetAtt": ["Images2D38C313", "Arn"]}
    assert {"ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:CompleteLayerUpload"} <= set(push["Action"])
    assert not [action for action in push["Action"] if "Delete" in action]
    assert log_in["Action"] == "ecr:GetAuthorizationToken"


def test_a_model_without_joblib_needs_an_image_of_its_own(root: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        synthesize(root, root / "out", stage="dev", digits__serve__image="sklearn")
    assert "serve.image = 'sklearn' is not allowed" in refused.value.what
    assert "has no model.joblib" in refused.value.why
    assert refused.value.fix == 'Set image = "own".'


def test_a_model_without_an_engine_is_refused_before_anything_is_built(root: Path) -> None:
    make_artifact(root, "digits", b"odd", engine="none")
    with pytest.raises(NoEngine):
        synthesize(root, root / "out", stage="dev")


def test_an_artifact_of_before_engines_says_to_train_again(root: Path) -> None:
    write_artifact(root, "digits", {"model.onnx": b"old"}, {"format": 1, "versions": {}})
    with pytest.raises(ArtifactInvalid, match="does not say which engine"):
        synthesize(root, root / "out", stage="dev")


@pytest.mark.parametrize(
    ("variants", "key"),
    [
        ('[{name="champion",instance_type="ml.c7g.large"}]', "serve.variants[0].instance_type"),
        ('[{name="shadow",instance_type="ml.m6g.xlarge"},{name="champion"}]', "variants[0].instance_type"),
    ],
)  # fmt: skip
def test_an_arm_machine_is_refused_for_every_variant(variants: str, key: str, root: Path) -> None:
    with pytest.raises(SettingsError, match="built for x86_64") as refused:
        synthesize(root, root / "out", stage="dev", digits__serve__variants=variants)
    assert f"{key} = 'ml." in refused.value.what


def test_a_missing_serving_folder_fails_the_synth(root: Path) -> None:
    shutil.rmtree(root / "model_code" / "serving")
    with pytest.raises(RuntimeError, match="serving/Dockerfile"):
        synthesize(root, root / "out", stage="dev")
