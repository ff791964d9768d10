"""Updates: traffic never sees one, and a bad one is rolled back."""

import json
import shutil

import pytest

from slipway.cdk import synthesize
from slipway.direct import deploy_assembly
from slipway.errors import DeployFailed, GoldenMismatch
from slipway.verify import check_configuration, client_for, replay_golden_rows
from stacks.settings import load_model
from tests.local.load import Load
from training.artifact import load_artifact, write_artifact
from training.train import train

STACK = "slipway-local-iris"


def load_on(deployed, **arguments):
    client = client_for(deployed.aws, "iris")
    return Load(lambda: client.invoke(b"6.5,3.0,5.2,2.0", "text/csv").decode(), **arguments)


def stack_status(deployed):
    return deployed.aws.stack_status("iris")


def running_config(deployed):
    return deployed.aws.client("sagemaker").describe_endpoint(EndpointName=STACK)["EndpointConfigName"]


def test_a_retrained_model_is_served_without_one_failed_request(deployed):
    before = running_config(deployed)
    artifact = train(
        deployed.project.root,
        load_model(deployed.project.root, "iris", {"model.hyperparameters": {"C": 0.7}}),
    )

    with load_on(deployed) as load:
        deployed.redeploy("iris")

    assert load.failures == []
    assert load.sent >= 1000
    assert running_config(deployed) != before
    assert client_for(deployed.aws, "iris").version == artifact.version


def test_an_unchanged_model_is_not_deployed_again(deployed):
    before = running_config(deployed)

    deployed.redeploy("iris")

    assert running_config(deployed) == before


def test_a_model_that_cannot_load_is_rolled_back_without_one_failed_request(deployed):
    good = load_artifact(deployed.project.root, "iris")
    before = running_config(deployed)
    files = unpack(good)
    files["model.joblib"] = b"not a pickle"
    write_artifact(
        deployed.project.root, "iris", files, {k: v for k, v in good.manifest.items() if k != "files"}
    )

    with load_on(deployed) as load, pytest.raises(DeployFailed) as caught:
        deployed.redeploy("iris")
    point_at(deployed, good.version)

    assert load.failures == []
    assert load.sent >= 1000
    assert set(load.answers) == {'["virginica"]'}
    assert stack_status(deployed) == "UPDATE_ROLLBACK_COMPLETE"
    assert running_config(deployed) == before
    assert "did not pass the ping health check" in str(caught.value)
    assert "the model is not ready" in str(caught.value)


def test_a_role_without_get_object_fails_the_deploy_with_an_access_error(deployed):
    before = running_config(deployed)
    artifact = train(
        deployed.project.root,
        load_model(deployed.project.root, "iris", {"model.hyperparameters": {"C": 0.9}}),
    )
    folder = synthesize(deployed.project, deployed.aws, deployed.story, {"models": "iris"})
    assembly = deployed.project.root / ".slipway" / "cdk.out"
    template = assembly / f"{STACK}.template.json"
    content = json.loads(template.read_text())
    removed = [
        statement
        for resource in content["Resources"].values()
        for policy in resource.get("Properties", {}).get("Policies", [])
        for statement in list(policy["PolicyDocument"]["Statement"])
        if "s3:GetObject" in statement["Action"]
        and policy["PolicyDocument"]["Statement"].remove(statement) is None
    ]
    assert removed
    publish_changed_template(assembly, content)

    with pytest.raises(DeployFailed, match=r"(?s)Could not access model data.*s3:GetObject"):
        deploy_assembly(assembly, deployed.aws, deployed.story, [STACK])

    assert folder == str(assembly)
    assert stack_status(deployed) == "UPDATE_ROLLBACK_COMPLETE"
    assert running_config(deployed) == before
    deployed.redeploy("iris")
    replay_golden_rows(client_for(deployed.aws, "iris"), artifact, latency_calls=1)


def test_an_endpoint_on_another_configuration_is_found(deployed):
    outputs = deployed.aws.outputs("iris")
    check_configuration(deployed.aws, outputs)

    with pytest.raises(DeployFailed, match="the stack asked for another"):
        check_configuration(deployed.aws, {**outputs, "EndpointConfigName": "another"})


def test_answers_that_differ_from_training_are_found(deployed):
    artifact = load_artifact(deployed.project.root, "iris")
    artifact.manifest["golden"]["predictions"][0] = "virginica"

    with pytest.raises(GoldenMismatch, match="1 of 20 golden rows"):
        replay_golden_rows(client_for(deployed.aws, "iris"), artifact, latency_calls=1)


def unpack(artifact):
    import tarfile

    with tarfile.open(artifact.archive) as tar:
        names = [name for name in tar.getnames() if name != "code/manifest.json"]
        return {name: tar.extractfile(name).read() for name in names}


def point_at(deployed, version):
    (deployed.project.root / "artifacts" / "iris" / "latest").write_text(f"{version}\n")


def publish_changed_template(assembly, content):
    """Write a changed template under a key of its own, as CDK would have."""
    import hashlib

    text = json.dumps(content).encode()
    digest = hashlib.sha256(text).hexdigest()
    assets = assembly / f"{STACK}.assets.json"
    known = json.loads(assets.read_text())
    old = next(k for k, v in known["files"].items() if v["source"]["path"] == f"{STACK}.template.json")
    for name in (assets, assembly / "manifest.json"):
        name.write_text(name.read_text().replace(old, digest))
    (assembly / f"{STACK}.template.json").write_bytes(text)
    shutil.rmtree(assembly / "never", ignore_errors=True)
