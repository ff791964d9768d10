"""The parts of the embedded AWS that need no server."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from localaws.control import ACCOUNT, Server, client_environment
from localaws.images import ENTRIES, ImageTable
from localaws.inventory import Inventory
from localaws.ports import AccessDeniedError, Credentials, Metric, Scope
from localaws.resource_kinds import ATTACHMENTS, KINDS, OWN_TYPES, covered
from localaws.sagemaker import names
from localaws.sagemaker.archive import BadArchiveError, unpack
from localaws.sagemaker.endpoint_configs import EndpointConfigs
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.logs import LogShipper, LogStream
from localaws.sagemaker.metrics import Invocation, InvocationMeter
from localaws.sagemaker.models import Models
from localaws.sagemaker.package_groups import PackageGroups
from localaws.sagemaker.packages import Packages
from localaws.sagemaker.routing import Member, Traffic
from localaws.sagemaker.tags import Tags
from localaws.sagemaker.variants import Variant
from localaws.state import Run, StateFolder

SCOPE = Scope(ACCOUNT, "us-east-1")
KEYS = Credentials("key", "secret", "token", 0)
GOLDEN = Path(__file__).parents[1] / "golden"


def packed(folder: Path, *entries: tarfile.TarInfo) -> Path:
    archive = folder / "model.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for entry in entries:
            tar.addfile(entry, io.BytesIO(b"x" * entry.size))
    return archive


def entry(name: str, size: int = 1, **fields: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size = size
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def test_an_archive_is_unpacked_read_only_whatever_its_name(tmp_path: Path) -> None:
    unpack(packed(tmp_path, entry("model.joblib"), entry("code/inference.py")), tmp_path / "model")

    assert (tmp_path / "model" / "code" / "inference.py").read_bytes() == b"x"
    assert not [path for path in (tmp_path / "model").rglob("*") if path.stat().st_mode & 0o222]


@pytest.mark.parametrize(
    "bad",
    [
        entry("../outside"),
        entry("/etc/outside"),
        entry("link", 0, type=tarfile.SYMTYPE, linkname="../../outside"),
        entry("device", 0, type=tarfile.CHRTYPE),
    ],
    ids=["parent", "absolute", "link", "device"],
)
def test_an_archive_cannot_write_outside_its_folder(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    with suppress(BadArchiveError):
        unpack(packed(tmp_path, bad), tmp_path / "model")

    assert not list(tmp_path.glob("outside"))
    assert not Path("/etc/outside").exists()
    assert not [
        path for path in (tmp_path / "model").rglob("*") if path.is_symlink() or path.is_char_device()
    ]


def test_something_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gz").write_bytes(b"plain text")

    with pytest.raises(BadArchiveError):
        unpack(tmp_path / "model.gz", tmp_path / "model")


def variant(name: str, weight: float) -> Variant:
    return Variant(name, name, 1, weight, 60)


def test_traffic_follows_weights() -> None:
    members = [Member(None, variant("champion", 9.0)), Member(None, variant("challenger", 1.0))]  # type: ignore[arg-type]
    traffic = Traffic(members)

    counts = Counter(traffic.choose(None).variant.name for _ in range(4000))

    assert 0.87 < counts["champion"] / 4000 < 0.93
    assert traffic.choose("challenger").variant.name == "challenger"


@dataclass
class FakeSink:
    """Keeps what is recorded; `denied` groups take nothing."""

    metrics: list[Metric] = field(default_factory=list)
    evaluated: list[Scope] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    denied: bool = False

    def record(self, namespace: str, metrics: Sequence[Metric], scope: Scope) -> None:
        assert namespace == "AWS/SageMaker"
        self.metrics += metrics

    def evaluate_alarms(self, scope: Scope) -> None:
        self.evaluated.append(scope)

    def write(
        self, group: str, stream: str, lines: Sequence[tuple[int, str]], credentials: Credentials
    ) -> None:
        if self.denied:
            raise AccessDeniedError(group)
        self.lines += [text for _, text in lines]


@pytest.mark.parametrize(("status", "client", "server"), [(200, 0, 0), (404, 1, 0), (500, 0, 1), (0, 0, 1)])
def test_an_invocation_counts_once_and_its_error_in_one_metric(status: int, client: int, server: int) -> None:
    sink = FakeSink()
    meter = InvocationMeter(sink)

    meter.add(Invocation(SCOPE, "iris", "champion", status, 1500.0, 200.0))
    meter.flush()

    values = {metric.name: metric.value for metric in sink.metrics}
    assert values["Invocations"] == 1
    assert (values["Invocation4XXErrors"], values["Invocation5XXErrors"]) == (client, server)
    assert values["ModelLatency"] == 1500.0
    assert sink.metrics[0].dimensions == (("EndpointName", "iris"), ("VariantName", "champion"))
    assert sink.evaluated[-1] == SCOPE


def test_the_last_lines_of_a_container_are_sent_when_it_ends() -> None:
    sink, stream = FakeSink(), LogStream("group", "stream")
    shipper = LogShipper(sink)
    shipper.add(stream, KEYS)
    stream.append((1, "first"))
    stream.append((2, "last"))

    shipper.remove(stream)

    assert sink.lines == ["first", "last"]


def test_a_role_without_log_rights_loses_its_lines_quietly() -> None:
    stream = LogStream("group", "stream")
    shipper = LogShipper(FakeSink(denied=True))
    shipper.add(stream, KEYS)
    stream.append((1, "lost"))

    shipper.remove(stream)

    assert stream.take() == []


@pytest.mark.parametrize(
    "uri",
    [
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
        "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-scikit-learn:1.9-0-cpu-py3",
    ],
)
def test_the_prebuilt_image_is_known_in_every_region(uri: str) -> None:
    assert ImageTable(ENTRIES).find(uri, f"arn:aws:iam::{ACCOUNT}:role/r", lambda: KEYS)


@pytest.mark.parametrize(
    "uri", ["sagemaker-scikit-learn:1.9-0-cpu-py3", "evil.example/sagemaker-scikit-learn:1.9-0-cpu-py3"]
)
def test_another_image_is_refused_with_a_list_of_those_that_run(uri: str) -> None:
    with pytest.raises(ApiError, match=r"Images that can: sagemaker-scikit-learn:1\.9-0-cpu-py3"):
        ImageTable(ENTRIES).find(uri, f"arn:aws:iam::{ACCOUNT}:role/r", lambda: KEYS)


@pytest.mark.parametrize("bad", ["", "-x", "x-", "under_score", "x" * 64])
def test_names_outside_sagemakers_pattern_are_refused(bad: str) -> None:
    with pytest.raises(ApiError, match="1 validation error detected"):
        names.checked_name({"ModelName": bad}, "ModelName")


def test_a_configuration_of_a_missing_model_is_refused() -> None:
    packages = Packages(SCOPE, PackageGroups(SCOPE))
    configs = EndpointConfigs(SCOPE, Models(SCOPE, None, ImageTable(ENTRIES), packages))  # type: ignore[arg-type]
    entry = {"VariantName": "champion", "ModelName": "absent", "InstanceType": "ml.m5.large"}

    with pytest.raises(ApiError, match="Could not find model"):
        configs.create({"EndpointConfigName": "config", "ProductionVariants": [entry]})


def test_tags_without_a_key_are_refused() -> None:
    with pytest.raises(ApiError):
        Tags().add("arn", [{"Value": "1"}])


def test_a_client_environment_keeps_nothing_of_aws_from_the_machine() -> None:
    base = {
        "PATH": "/bin",
        "AWS_PROFILE": "prod",
        "AWS_ENDPOINT_URL_S3": "https://s3",
        "AWS_SESSION_TOKEN": "t",
    }

    made = client_environment(Server("http://127.0.0.1:4566", 4566, 1), base)

    assert made["PATH"] == "/bin"
    assert made["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN"} & set(made)


def test_the_run_file_is_private_and_survives_a_broken_one(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.write_run(Run(4566, "secret", 1))

    assert state.run_file.stat().st_mode & 0o777 == 0o600
    assert state.read_run() == Run(4566, "secret", 1)
    state.run_file.write_text("{half")
    assert state.read_run() is None


def test_an_inventory_is_empty_with_only_bootstrap_and_pending_keys() -> None:
    bucket = {"service": "s3", "kind": "bucket", "name": "cdk", "detail": "0 objects"}
    key = {"service": "kms", "kind": "key", "name": "k", "detail": "PendingDeletion"}
    found = {
        "resources": [],
        "bootstrap": [bucket],
        "kept_by_aws": [key],
        "processes": [],
        "files": [],
        "ports": [],
    }

    assert Inventory.from_json(found).empty
    assert not Inventory.from_json({**found, "resources": [bucket]}).empty
    assert not Inventory.from_json({**found, "files": ["left"]}).empty


def test_the_inventory_covers_every_resource_type_of_the_templates() -> None:
    types = {
        resource["Type"]
        for path in GOLDEN.rglob("*.json")
        for resource in (json.loads(path.read_text()).get("Resources") or {}).values()
    }

    assert sorted(name for name in types if not covered(name)) == []


def test_no_resource_type_is_listed_twice() -> None:
    listed = [name for kind in KINDS for name in kind.types]

    assert len(listed) == len(set(listed))
    assert not (set(listed) | OWN_TYPES) & ATTACHMENTS
