"""What each host of a training job finds in its channels, and what happens where there is nothing to find."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.conftest import Boto
from tests.local.toy import allow
from tests.local.training_toy import Trainer

PARTS = [f"train/part-{number}.csv" for number in range(4)]


@pytest.fixture(scope="module")
def trainer(boto: Boto) -> Iterator[Trainer]:
    trainer = Trainer(boto)
    yield trainer
    trainer.remove()


def files(trainer: Trainer, name: str, *channels: dict[str, Any], hosts: int = 1) -> list[list[str]]:
    """Run a job with these channels and return the files that each host saw."""
    done = trainer.run(name, hosts=hosts, InputDataConfig=list(channels))
    assert done["TrainingJobStatus"] == "Completed", done
    return [sorted(trainer.told(name, f"algo-{number + 1}")["files"]) for number in range(hosts)]


def test_every_host_finds_all_of_a_replicated_channel(trainer: Trainer) -> None:
    assert files(trainer, "replicated", trainer.channel(), hosts=2) == [PARTS, PARTS]


def test_two_hosts_share_a_channel_that_is_sharded_by_key(trainer: Trainer) -> None:
    channel = trainer.channel(S3DataDistributionType="ShardedByS3Key")

    first, second = files(trainer, "sharded", channel, hosts=2)

    assert len(first) == len(second) == 2
    assert sorted(first + second) == PARTS


def test_a_shuffle_deals_the_shards_anew_by_its_seed(trainer: Trainer) -> None:
    source = {"S3DataDistributionType": "ShardedByS3Key"}
    dealt = [
        files(
            trainer, f"shuffled-{number}", {**trainer.channel(**source), "ShuffleConfig": {"Seed": seed}},
            hosts=2,
        )
        for number, seed in enumerate((1, 1, 2, 3))
    ]  # fmt: skip

    assert dealt[0] == dealt[1]
    assert any(other != dealt[0] for other in dealt[2:])


def test_a_prefix_without_its_last_slash_takes_all_that_begins_so(trainer: Trainer) -> None:
    found = files(trainer, "prefix", trainer.channel("data/train"))

    assert found == [[*PARTS, "train/train-more/part-9.csv"]]


def test_one_object_keeps_its_name(trainer: Trainer) -> None:
    assert files(trainer, "single", trainer.channel("data/train/part-2.csv")) == [["train/part-2.csv"]]


def test_a_manifest_names_the_objects_one_by_one(trainer: Trainer) -> None:
    root = {"prefix": f"s3://{trainer.bucket}/data/"}
    trainer.put("manifests/two.json", json.dumps([root, "train/part-1.csv", "train-more/part-9.csv"]))

    found = files(trainer, "manifest", trainer.channel("manifests/two.json", S3DataType="ManifestFile"))

    assert found == [["train/train-more/part-9.csv", "train/train/part-1.csv"]]


def test_channels_have_folders_of_their_own_and_may_be_fast_files(trainer: Trainer) -> None:
    validation = {**trainer.channel("data/train-more/", "validation"), "InputMode": "FastFile"}

    assert files(trainer, "two-channels", trainer.channel(), validation) == [
        [*PARTS, "validation/part-9.csv"]
    ]
    config = trainer.told("two-channels")["config"]["inputdataconfig"]
    assert config["validation"]["TrainingInputMode"] == "FastFile"


def test_a_job_may_have_no_channel_at_all(trainer: Trainer) -> None:
    assert trainer.run("no-channel", InputDataConfig=None)["TrainingJobStatus"] == "Completed"


def failure(trainer: Trainer, name: str, **more: Any) -> str:
    done = trainer.run(name, **more)
    assert done["TrainingJobStatus"] == done["SecondaryStatus"] == "Failed", done
    assert "ModelArtifacts" not in done
    return str(done["FailureReason"])


@pytest.mark.parametrize("uri", ["s3://toy-training/data/nothing/", "s3://no-such-bucket/data/"])
def test_an_empty_channel_fails_the_job_in_the_words_of_aws(trainer: Trainer, uri: str) -> None:
    bucket = uri.split("/")[2]
    reason = failure(trainer, f"empty-{bucket}", InputDataConfig=[trainer.channel(S3Uri=uri)])

    assert reason == (
        f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure '
        "that the bucket exists in the selected region (us-east-1), that objects exist under that S3 prefix, "
        f'and that the role "{trainer.role}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )


def test_a_manifest_that_is_none_fails_the_job(trainer: Trainer) -> None:
    channel = trainer.channel("data/train/part-1.csv", S3DataType="ManifestFile")

    assert "Data download failed" in failure(trainer, "no-manifest", InputDataConfig=[channel])


def test_a_manifest_of_an_object_that_is_not_there_names_it(trainer: Trainer) -> None:
    trainer.put("manifests/gone.json", json.dumps([{"prefix": f"s3://{trainer.bucket}/data/"}, "gone.csv"]))
    channel = trainer.channel("manifests/gone.json", S3DataType="ManifestFile")

    reason = failure(trainer, "gone", InputDataConfig=[channel])

    assert reason.startswith(
        f"ClientError: Data download failed:Unable to download object s3://{trainer.bucket}/data/gone.csv"
    )


def test_a_key_that_leads_out_of_its_folder_is_not_followed(trainer: Trainer) -> None:
    trainer.put("manifests/out.json", json.dumps([{"prefix": f"s3://{trainer.bucket}/"}, "../../../x.csv"]))
    channel = trainer.channel("manifests/out.json", S3DataType="ManifestFile")

    assert "leads out of the folder" in failure(trainer, "way-out", InputDataConfig=[channel])


@pytest.fixture
def limited(trainer: Trainer) -> Iterator[Any]:
    """Makes roles that lack something, and removes them."""
    made = []

    def role(name: str, *actions: str) -> str:
        made.append(name)
        return trainer.make_role(name, [allow(list(actions), "*")])

    yield role
    for name in made:
        trainer.drop_role(name)


def test_a_role_that_may_not_read_objects_fails_the_job(trainer: Trainer, limited: Any) -> None:
    role = limited("no-get", "s3:ListBucket", "s3:PutObject", "logs:*")

    assert failure(trainer, "no-get", RoleArn=role) == (
        "ClientError: Data download failed:Unable to download object "
        f"s3://{trainer.bucket}/data/train/part-0.csv (AccessDenied: Access Denied)"
    )


def test_a_role_that_may_not_list_the_bucket_sees_no_objects(trainer: Trainer, limited: Any) -> None:
    role = limited("no-list", "s3:GetObject", "s3:PutObject")

    assert 'has "s3:ListBucket" permissions' in failure(trainer, "no-list", RoleArn=role)


def test_a_role_that_may_not_write_fails_after_training(trainer: Trainer, limited: Any) -> None:
    role = limited("no-put", "s3:ListBucket", "s3:GetObject", "logs:*")

    assert failure(trainer, "no-put", RoleArn=role) == (
        "ClientError: Artifact upload failed:Unable to upload object "
        f"s3://{trainer.bucket}/out/no-put/output/model.tar.gz (AccessDenied: Access Denied)"
    )
    assert "training on algo-1" in next(iter(trainer.log("no-put").values()))


def test_a_role_without_rights_to_logs_trains_without_a_log(trainer: Trainer, limited: Any) -> None:
    role = limited("no-logs", "s3:*")

    assert trainer.run("no-logs", RoleArn=role)["TrainingJobStatus"] == "Completed"
    assert trainer.log("no-logs") == {}
