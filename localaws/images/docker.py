"""The docker that the CDK command line calls: builds images and pushes them where the stage lives.

On the embedded AWS, `build` uses the engine of this machine, or records the definition of the image where
there is none, and `push` sends either to the embedded AWS's own registry. On an AWS account every command
goes to the engine; `build` then asks for the one kind of manifest that SageMaker takes. Standard library
only, and run as a script: it starts for every command.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from localaws.environments import ensure_environment
from localaws.errors import EngineMissingError, ImageError, LocalAwsError
from localaws.images import definition
from localaws.images.definition import Definition
from localaws.images.engine import Engine, find_engine
from localaws.images.registry_client import ImageUri, RefusedError, RegistryClient
from localaws.images.store import CONFIG, ImageStore, parsed_manifest

STORE_VARIABLE = "SLIPWAY_IMAGES"
_TOKENS = "tokens.json"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def main(arguments: Sequence[str]) -> int:
    """Do what docker would do for the arguments, and return its exit code."""
    try:
        engine = find_engine()
        url = os.environ.get("AWS_ENDPOINT_URL", "")
        if urlsplit(url).hostname not in _LOOPBACK:
            return _passed_on(engine, arguments)
        folder = Path(os.environ.get(STORE_VARIABLE) or Path(__file__).parents[2] / ".slipway" / "images")
        command = _Docker(engine, url, ImageStore(folder))
        verb, rest = (arguments[0], arguments[1:]) if arguments else ("", ())
        if verb in ("login", "inspect", "build", "tag", "push"):
            return int(getattr(command, verb)(rest))
        return _passed_on(engine, arguments)
    except LocalAwsError as error:
        _tell(str(error))
    except RefusedError as error:
        _tell(str(error))
    return 1


class _Docker:
    """The five commands, on the embedded AWS."""

    def __init__(self, engine: Engine | None, url: str, store: ImageStore) -> None:
        self._engine = engine
        self._url = url
        self._store = store

    def login(self, arguments: Sequence[str]) -> int:
        token = sys.stdin.read().strip()
        RegistryClient(self._url, token).check()
        tokens = {**self._store.read_json(_TOKENS), f"{self._url} {arguments[-1]}": token}
        self._store.write_json(_TOKENS, dict(list(tokens.items())[-20:]))
        print("Login Succeeded")
        return 0

    def inspect(self, arguments: Sequence[str]) -> int:
        """Exit with 0 where the image was built before, by an engine if there is one now."""
        manifest = self._store.find(arguments[-1])
        built = manifest is not None and (parsed_manifest(manifest).kind == CONFIG) == bool(self._engine)
        print("[{}]" if built else "[]")
        return 0 if built else 1

    def build(self, arguments: Sequence[str]) -> int:
        options = _options(arguments)
        tag = options.get("tag", ["image"])[0]
        if self._engine:
            return self._build(self._engine, tag, arguments)
        args = dict(entry.partition("=")[::2] for entry in options.get("build-arg", ()))
        context = Path(arguments[-1]).resolve()
        dockerfile = os.path.relpath(
            Path(options.get("file", [context / "Dockerfile"])[0]).resolve(), context
        )
        image = Definition(context, dockerfile, args, options.get("target", [""])[0])
        image.check()
        _tell(f"no container engine: {dockerfile} is recorded, and runs as a process")
        ensure_environment(image.recipe(), self._store.folder.parent / "envs", progress=_tell)
        layer = self._store.add(image.packed())
        self._store.keep(tag, image.config(), definition.CONFIG, [(layer, definition.CONTEXT)])
        return 0

    def tag(self, arguments: Sequence[str]) -> int:
        if not self._store.name(*arguments[-2:]):
            raise ImageError(
                f"there is no image {arguments[-2]}", why="it was not built", fix="build it first"
            )
        return 0

    def push(self, arguments: Sequence[str]) -> int:
        name = arguments[-1]
        uri, manifest = ImageUri.parse(name), self._store.find(name)
        if uri is None or manifest is None:
            raise ImageError(
                f"{name} cannot be pushed to the embedded AWS",
                why="it is no address of ECR" if uri is None else "there is no such image",
                fix="tag an image with <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag> first",
            )
        token = self._store.read_json(_TOKENS).get(f"{self._url} {name.partition('/')[0]}", "")
        client = RegistryClient(self._url, token)
        for digest, size in parsed_manifest(manifest).blobs:
            if not client.has_blob(uri.repository, digest):
                _tell(f"push {digest[7:19]}, {size / 1e6:.1f} MB")
                client.push_blob(uri.repository, digest, self._store.blob(digest))
        print(f"{uri.reference}: {client.push_manifest(uri.repository, uri.reference, manifest)}")
        return 0

    def _build(self, engine: Engine, tag: str, arguments: Sequence[str]) -> int:
        """Build with the engine, take the image out of it, and leave nothing in it."""
        built = _run(engine, ["build", *format_options(engine), *arguments])
        if built:
            return built
        try:
            _tell(f"save {tag} from {engine.name}")
            with subprocess.Popen(
                [engine.program, "save", tag], env=dict(engine.environment), stdout=subprocess.PIPE
            ) as saving:
                if saving.stdout:
                    self._store.add_image(tag, saving.stdout)
        finally:
            engine.run("rmi", tag, check=False)
        return 0


def format_options(engine: Engine) -> list[str]:
    """Return what makes an engine write an image that SageMaker takes, and leave nothing else behind.

    SageMaker refuses OCI manifests and indexes. Podman writes OCI by default, and keeps every stage as an
    image without a name.
    """
    if engine.name == "podman":
        return ["--format", "docker", "--layers=false"]
    if engine.run("buildx", "version", check=False).returncode == 0:
        return ["--provenance=false", "--output", "type=docker"]
    return []


def _passed_on(engine: Engine | None, arguments: Sequence[str]) -> int:
    if engine is None:
        raise EngineMissingError(
            f"docker {arguments[0] if arguments else ''} needs a container engine, and none answers",
            why="neither podman nor docker is installed and running",
            fix="install and start one of them, then run slipway doctor",
        )
    if arguments and arguments[0] == "build":
        given = "--output" in arguments or any(entry.startswith("--output=") for entry in arguments)
        return _run(engine, ["build", *([] if given else format_options(engine)), *arguments[1:]])
    return _run(engine, arguments)


def _run(engine: Engine, arguments: Sequence[str]) -> int:
    environment = {**dict(engine.environment), "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    return subprocess.run([engine.program, *arguments], env=environment, check=False).returncode


def _options(arguments: Sequence[str]) -> dict[str, list[str]]:
    """Return the values of `--name value` and `--name=value`; `-t` and `-f` under their long names."""
    short, flags = {"-t": "tag", "-f": "file"}, ("--no-cache", "--pull", "--quiet")
    found: dict[str, list[str]] = {}
    waiting = iter(arguments)
    for argument in waiting:
        if argument in flags:
            continue
        if argument in short or (argument.startswith("--") and "=" not in argument):
            found.setdefault(short.get(argument, argument[2:]), []).append(next(waiting, ""))
        elif argument.startswith("--"):
            name, _, value = argument[2:].partition("=")
            found.setdefault(name, []).append(value)
    return found


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
