"""The prod stage's templates deploy too, and destroy keeps what they say and names it."""

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.cdk import bootstrap, stacks_of
from slipway.deployment import deploy
from slipway.ports import free_port
from slipway.removal import destroy_stacks, local_remains, retained
from slipway.story import Story
from stacks.settings import load_settings
from tests.local.stacks.conftest import make_project
from training.train import train


def test_destroying_prod_keeps_buckets_and_keys_and_says_how_to_remove_them(tmp_path):
    project = make_project(tmp_path)
    stages = tmp_path / "stages.toml"
    stages.write_text(
        stages.read_text().replace("[prod]", '[prod]\naccount = "000000000000"\nregion = "us-east-1"')
    )
    context = {"models": "iris", "stage": "prod"}
    settings = load_settings(project.root, context)
    train(project.root, settings.models[0])
    story, local = Story(), LocalAws(project.root)
    try:
        aws = Aws.local(settings.stage, local.start(free_port()))
        bootstrap(project, aws, story)
        replays = deploy(project, aws, settings.models, context, story, direct=True)
        stacks = stacks_of("prod", ["iris"])
        kept = retained(aws, stacks)
        destroy_stacks(project, aws, stacks, story)
        left = local_remains(local).left_behind
    finally:
        local.stop()

    assert replays["iris"]["champion"].agreement == 1.0
    kinds = sorted(what.split()[0] for what, _how in kept)
    assert kinds.count("AWS::S3::Bucket") == 2
    assert "AWS::KMS::Key" in kinds
    assert all(how for _what, how in kept)
    names = " ".join(what.split()[1] for what, _how in kept)
    assert left, "the buckets and the key are still there"
    assert [item for item in left if item.split()[2] not in names] == []
