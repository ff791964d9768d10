"""Input channels: which objects of S3 each host of a job gets, and under which names."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localaws.sagemaker.errors import validation_error
from localaws.sagemaker.training.s3_uri import S3Uri


@dataclass(frozen=True)
class Channel:
    """One entry of InputDataConfig.

    Objects arrive as they are stored: CompressionType is for the Pipe mode alone, which AWS says of it too.
    FastFile, which streams on AWS, reads the same files from the disk.
    """

    name: str
    uri: S3Uri
    is_manifest: bool
    is_sharded: bool
    shuffle_seed: int | None
    config: Mapping[str, str]
    """What `inputdataconfig.json` says of it."""

    @classmethod
    def parse(cls, definition: Mapping[str, Any], default_mode: str) -> "Channel":
        """Read a channel, checked already for its types. Raises the ValidationException."""
        name = str(definition["ChannelName"])
        source = definition["DataSource"].get("S3DataSource")
        if source is None:
            raise _refused(name, "DataSource", "only S3DataSource is read")
        if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
            raise _refused(name, "S3DataType", f"{source['S3DataType']} is not read")
        if source.get("InstanceGroupNames"):
            raise _refused(name, "InstanceGroupNames", "all hosts of a job are one group")
        mode = definition.get("InputMode") or default_mode
        if mode == "Pipe":
            raise _refused(name, "InputMode", "Pipe is not part of it; use File or FastFile")
        if definition.get("RecordWrapperType", "None") != "None":
            raise _refused(name, "RecordWrapperType", "RecordIO is for the Pipe mode alone")
        distribution = source.get("S3DataDistributionType") or "FullyReplicated"
        content_type = {"ContentType": str(definition["ContentType"])} if "ContentType" in definition else {}
        return cls(
            name=name,
            uri=S3Uri.parse(source["S3Uri"]),
            is_manifest=source["S3DataType"] == "ManifestFile",
            is_sharded=distribution == "ShardedByS3Key",
            shuffle_seed=definition.get("ShuffleConfig", {}).get("Seed"),
            config={
                **content_type,
                "TrainingInputMode": mode,
                "S3DistributionType": distribution,
                "RecordWrapperType": "None",
            },
        )

    def share(self, objects: Sequence["Item"], host: int, hosts: int) -> Sequence["Item"]:
        """Return what host number `host` of `hosts` gets: all, or every n-th object."""
        ordered = list(objects)
        if self.shuffle_seed is not None:
            random.Random(self.shuffle_seed).shuffle(ordered)  # noqa: S311 - an order, not a secret
        return ordered[host::hosts] if self.is_sharded else ordered


@dataclass(frozen=True)
class Item:
    """One object of a channel, and its path in the channel's folder."""

    uri: S3Uri
    path: str


def items_of_prefix(prefix: S3Uri, keys: Sequence[str]) -> list[Item]:
    """Name the objects of a prefix: by their path below it, or below its last folder where it is none.

    Keys that end in "/" are the folders that S3's console makes, and hold nothing.
    """
    inside = prefix.key.rstrip("/") + "/" if prefix.key else ""
    beside = prefix.key.rpartition("/")[0]
    beside = f"{beside}/" if beside else ""
    return [
        Item(S3Uri(prefix.bucket, key), key.removeprefix(inside if key.startswith(inside) else beside))
        for key in keys
        if not key.endswith("/")
    ]


def items_of_manifest(content: object) -> list[Item]:
    """Read a manifest: a list of a prefix and the rest of each object's address. Raises ValueError."""
    if not (isinstance(content, list) and content and isinstance(content[0], dict)):
        raise ValueError('a manifest is a list that begins with {"prefix": "s3://…"}')
    prefix, names = content[0].get("prefix"), content[1:]
    if not isinstance(prefix, str) or not all(isinstance(name, str) for name in names):
        raise ValueError("a manifest's prefix and names are strings")
    root = S3Uri.parse(prefix)
    return [Item(S3Uri(root.bucket, root.key + name), name) for name in names]


def _refused(channel: str, member: str, why: str) -> Exception:
    return validation_error(f"Channel {channel} cannot be read by the embedded AWS: {member}: {why}.")
