"""What a source bundle may say, and what of it is refused by name."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from localaws.beanstalk.fleet import bundle
from localaws.beanstalk.fleet.bundle import BadBundleError
from localaws.beanstalk.fleet.formats import read_service
from localaws.beanstalk.fleet.interpolation import replaced
from localaws.beanstalk.fleet.service import BadServiceError, Service

PROPERTIES = {"SLIPWAY_IMAGE": "registry/models:1", "EMPTY": "", "LEVEL": "3"}


def service(folder: Path, **files: str) -> Service:
    """Read a bundle; a keyword is a file's name with "_" for ".", "-" and "/" where its text begins so."""
    for name, text in files.items():
        path = folder / {"compose": "docker-compose.yml", "env": ".env"}.get(name, name)
        path.write_text(text)
    return read_service(folder, PROPERTIES, 80)


def composed(folder: Path, lines: str) -> Service:
    """Read a compose file whose one service has these lines, an image and a port."""
    text = "services:\n  model:\n    image: ${SLIPWAY_IMAGE}\n    ports: ['80:8080']\n"
    return service(folder, compose=text + "\n".join(f"    {line}" for line in lines.splitlines()))


def test_a_compose_file_says_what_runs(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    found = composed(
        tmp_path,
        "command: serve --fast\nentrypoint: [python, -m, serving]\nvolumes: ['./model:/opt/ml/model:ro']\n"
        "environment: {A: 1, B: true, C: '${LEVEL}'}\nread_only: true\ntmpfs: /tmp\ncap_drop: [ALL]\n"
        "security_opt: ['no-new-privileges:true']\nuser: '1:1'\nrestart: on-failure:3\nworking_dir: /srv\n"
        "stop_grace_period: 1m30s",
    )
    assert found.image == "registry/models:1"
    assert found.port == 8080
    assert found.command == ("serve", "--fast")
    assert found.entrypoint == ("python", "-m", "serving")
    assert [(mount.target, mount.read_only) for mount in found.mounts] == [("/opt/ml/model", True)]
    assert found.environment == {"A": "1", "B": "true", "C": "3"}
    assert (found.read_only, found.tmpfs, found.cap_drop) == (True, ("/tmp",), ("ALL",))
    assert found.grace_s == 90
    assert (found.user, found.restart, found.working_directory) == ("1:1", "on-failure", "/srv")


def test_a_service_sees_the_properties_only_where_it_names_the_platforms_file(tmp_path: Path) -> None:
    assert composed(tmp_path, "environment: [LEVEL, OTHER=x, MISSING]").environment == {
        "LEVEL": "3",
        "OTHER": "x",
    }
    assert composed(tmp_path, "env_file: .env\nenvironment: {LEVEL: 4}").environment == {
        **PROPERTIES,
        "LEVEL": "4",
    }
    (tmp_path / "more.env").write_text("# a comment\nexport NAME='a b'\nPLAIN=1\n")
    assert composed(tmp_path, "env_file: [more.env]").environment == {"NAME": "a b", "PLAIN": "1"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$LEVEL-${LEVEL}", "3-3"),
        ("${EMPTY:-x}${EMPTY-y}${NONE-z}", "xz"),
        ("${LEVEL:+set}${NONE+set}", "set"),
        ("$$LEVEL ${NONE}", "$LEVEL "),
    ],
)
def test_variables_are_replaced_as_compose_does(text: str, value: str) -> None:
    assert replaced(text, PROPERTIES) == value


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("privileged: true", "services.model: .* does not know the key privileged"),
        ("network_mode: host", "does not know the key network_mode"),
        ("volumes: ['../outside:/opt/ml/model']", "outside the source bundle"),
        ("volumes: ['/etc:/opt/ml/model']", "outside the source bundle"),
        ("volumes: ['data:/opt/ml/model']", "bind mounts out of the bundle"),
        ("volumes: ['./missing:/opt/ml/model']", "is not in the source bundle"),
        ("env_file: ../secret.env", "outside the source bundle"),
        ("stop_grace_period: soon", "soon is no duration"),
        ("restart: sometimes", "restart: sometimes is not one of"),
        ("environment: {A: '${NEEDED:?say which}'}", "NEEDED is missing a value: say which"),
        ("environment: {A: '${broken'}", "invalid interpolation format"),
        ("ports: ['8080']", "published as 80"),
        ("ports: ['80:8080/udp']", "knows HOST:CONTAINER"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(tmp_path: Path, lines: str, message: str) -> None:
    with pytest.raises(BadServiceError, match=message):
        composed(tmp_path, lines)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "has none of docker-compose.yml, Dockerfile and Dockerrun.aws.json"),
        ({"compose": "- a"}, "must be a mapping"),
        ({"compose": "services: {a: {image: x}, b: {image: y}}"}, "runs one service, and there are 2: a, b"),
        ({"compose": "services: {a: {ports: ['80:1']}}"}, "neither an image nor a build context"),
        ({"compose": "services: [unclosed"}, "is no YAML"),
        ({"compose": "services: {a: {image: x}}\nvolumes: {}"}, "does not know the key volumes"),
        ({"Dockerrun.aws.json": '{"AWSEBDockerrunVersion": 2}'}, "AWSEBDockerrunVersion must be 1"),
        ({"Dockerrun.aws.json": '{"AWSEBDockerrunVersion": 1}'}, "no Image with a Name"),
        ({"Dockerrun.aws.json": "{"}, "is no JSON"),
    ],
)
def test_a_bundle_that_says_nothing_to_run_is_refused(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    with pytest.raises(BadServiceError, match=message):
        service(tmp_path, **files)


def test_a_tree_of_aliases_does_not_grow(tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]"
        for before, name in zip("abcdef", "bcdefg", strict=True)
    ]
    text = "x-all:\n" + "\n".join(f"  {line}" for line in lines)
    text += "\nservices: {model: {image: x, ports: ['80:1'], x-bomb: *g}}"
    with pytest.raises(BadServiceError, match="more than 10000 values"):
        service(tmp_path, compose=text)


def test_a_dockerrun_file_names_an_image_and_all_properties_reach_it(tmp_path: Path) -> None:
    text = (
        '{"AWSEBDockerrunVersion": "1", "Image": {"Name": "registry/models:2", "Update": "true"}, '
        '"Ports": [{"ContainerPort": 5000}], "Command": "serve now"}'
    )
    found = service(tmp_path, **{"Dockerrun.aws.json": text})
    assert (found.image, found.port, found.command) == ("registry/models:2", 5000, ("serve", "now"))
    assert (found.environment, found.restart) == (PROPERTIES, "always")


def test_a_dockerfile_alone_is_built_and_its_first_port_is_asked(tmp_path: Path) -> None:
    found = service(tmp_path, Dockerfile="FROM scratch\nEXPOSE 9000 9001\n")
    assert found.build is not None
    assert (found.build.context, found.port) == (tmp_path, 9000)


@pytest.mark.parametrize("name", ["../outside", "/absolute", "a/../../b", "back\\slash"])
def test_a_bundle_is_not_unpacked_outside_its_folder(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr(name, "x")
    with pytest.raises(BadBundleError, match="path outside itself"):
        bundle.unpack(archive, tmp_path / "unpacked")
    assert {path.name for path in tmp_path.rglob("*")} <= {"bundle.zip", "unpacked"}


def test_links_and_too_much_are_refused_and_a_script_stays_executable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "bundle.zip"
    link, script = zipfile.ZipInfo("link"), zipfile.ZipInfo("run.sh")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    script.external_attr = (stat.S_IFREG | 0o755) << 16
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(script, "#!/bin/sh\n" + "#" * 100_000)
    bundle.unpack(archive, tmp_path / "good")
    assert (tmp_path / "good" / "run.sh").stat().st_mode & stat.S_IXUSR
    monkeypatch.setattr(bundle, "_MAX_UNPACKED_BYTES", 50_000)
    with pytest.raises(BadBundleError, match="once unpacked"):
        bundle.unpack(archive, tmp_path / "large")
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr(link, "/etc/passwd")
    with pytest.raises(BadBundleError, match="no file or folder: link"):
        bundle.unpack(archive, tmp_path / "linked")
    archive.write_bytes(b"no zip")
    with pytest.raises(BadBundleError, match="not a valid zip file"):
        bundle.unpack(archive, tmp_path / "none")
