from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from stacks.images import PREBUILT, SKLEARN, PrebuiltImage
from tests.synth.harness import Templates, only


@pytest.mark.parametrize("image", PREBUILT.values(), ids=PREBUILT)
@pytest.mark.parametrize("use", ["inference", "training"])
def test_the_table_is_that_of_the_sagemaker_sdk(use: str, image: PrebuiltImage) -> None:
    # Reading the file imports nothing; importing the SDK takes seconds.
    sdk = importlib.metadata.distribution("sagemaker-core")
    path = Path(str(sdk.locate_file(f"sagemaker/core/image_uri_config/{image.setting}.json")))
    config = json.loads(path.read_text(encoding="utf-8"))
    versions = config.get(use, config)["versions"]
    version = image.tag.removesuffix("-cpu-py3")
    newest = versions[version]
    assert newest["registries"] == image.accounts
    assert newest["repository"] == image.repository
    # A tag ends in processor and Python only where the SDK lists Pythons.
    assert image.tag == version + ("-cpu-py3" if newest.get("py_versions") == ["py3"] else "")
    assert list(versions)[-1] == version, "there is a newer image; move to it with the training environment"


@pytest.mark.parametrize("image", PREBUILT.values(), ids=PREBUILT)
def test_the_tag_and_the_library_s_version_belong_together(image: PrebuiltImage) -> None:
    assert image.tag.startswith(image.library_version.rpartition(".")[0] + "-")


def test_the_image_of_the_region_is_found_when_the_stack_is_deployed(dev: Templates) -> None:
    template = dev["slipway-dev-iris"]
    mapping = template["Mappings"]["ImagesAccounts497478FF"]
    assert {region: row["account"] for region, row in mapping.items()} == SKLEARN.accounts
    image = only(template, "AWS::SageMaker::Model")["Properties"]["PrimaryContainer"]["Image"]["Fn::Join"][1]
    assert {"Ref": "AWS::URLSuffix"} in image  # amazonaws.com.cn in China
    assert image[-1] == "/sagemaker-scikit-learn:1.9-0-cpu-py3"


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", None])
def test_regions_with_the_image_are_taken(region: str | None) -> None:
    SKLEARN.require_region(region)
