"""Functions that are images: found in ECR, and run by the engine or as the process that a definition says."""

import json
from dataclasses import dataclass
from pathlib import Path

from localaws.errors import ImageError
from localaws.images import definition
from localaws.images.container_image import LoadedImages
from localaws.images.defined_image import Contexts
from localaws.images.definition import Definition
from localaws.images.registry_client import ImageUri, RefusedError, RegistryClient
from localaws.images.store import MANIFEST, Manifest, parsed_manifest
from localaws.lambda_functions.containers import ContainerForm
from localaws.lambda_functions.definitions import DefinedForm
from localaws.lambda_functions.environment import Form
from localaws.lambda_functions.errors import FailedError
from localaws.lambda_functions.function import Function, Image
from localaws.lambda_functions.refusals import RefusedError as Refusal
from localaws.ports import AccessDeniedError, Credentials, ImageSource, NotFoundError, Scope

_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}  # Lambda's names, and those of images


@dataclass(frozen=True)
class FunctionImages:
    """Reads images as the service itself does.

    In the account of the function: Lambda gives itself the right in the repository's policy when a function
    is made from one of its images.
    """

    url: str
    source: ImageSource
    loaded: LoadedImages
    contexts: Contexts
    envs: Path

    def check(self, image: Image, scope: Scope) -> None:
        """Raise the refusal of an image that Lambda would not take."""
        self._found(image, scope)

    def form(self, function: Function) -> Form:
        """Return how the function's image runs here. Raises LocalAwsError, FailedError."""
        if function.image is None:
            raise ValueError(f"{function.name} has no image")
        try:
            uri, manifest = self._found(function.image, function.scope)
        except Refusal as error:
            raise ImageError(str(error)) from error
        client = self._client(function.scope, uri.region)
        if manifest.kind == definition.CONFIG:
            return DefinedForm.prepare(function.image, self._definition(client, uri, manifest), self.envs)
        _refuse_architecture(client, uri, manifest, function)
        return ContainerForm.prepare(function, self.loaded, client, uri.repository, manifest)

    def _found(self, image: Image, scope: Scope) -> tuple[ImageUri, Manifest]:
        uri = ImageUri.parse(image.uri)
        missing = Refusal(f"Source image {image.uri} does not exist. Provide a valid source image.")
        if uri is None:
            raise Refusal(f"Source image {image.uri} is not valid. Provide a valid source image.")
        if (uri.account, uri.region) != (scope.account, scope.region):
            raise missing
        try:
            content = self.source.manifest(scope, uri.repository, uri.reference, _service(scope))
        except (AccessDeniedError, NotFoundError) as error:
            raise missing from error
        manifest = parsed_manifest(content)
        if manifest.media_type != MANIFEST and not _is_oci_image(content):
            raise Refusal(
                f"The image manifest, config or layer media type for the source image {image.uri} is not "
                "supported."
            )
        return uri, manifest

    def _client(self, scope: Scope, region: str) -> RegistryClient:
        registry = Scope(scope.account, region)
        return RegistryClient(self.url, self.source.token(registry, _service(scope)))

    def _definition(self, client: RegistryClient, uri: ImageUri, manifest: Manifest) -> Definition:
        try:
            with client.blob(uri.repository, manifest.config) as blob:
                config = blob.read()
            folder = self.contexts.get(client, uri.repository, manifest.layers[0])
        except RefusedError as error:
            raise ImageError("the image cannot be fetched", why=str(error)) from error
        found = Definition.read(config, folder)
        found.check()
        return found


def _refuse_architecture(
    client: RegistryClient, uri: ImageUri, manifest: Manifest, function: Function
) -> None:
    """Lambda takes an image of another architecture, and then cannot start it."""
    try:
        with client.blob(uri.repository, manifest.config) as blob:
            config = json.loads(blob.read())
    except RefusedError as error:
        raise ImageError(f"the image of {uri.repository} cannot be fetched", why=str(error)) from error
    if config.get("architecture") != _ARCHITECTURES[function.architecture]:
        command = (config.get("config") or {}).get("Entrypoint") or ["its entry point"]
        raise FailedError("Runtime.InvalidEntrypoint", f"fork/exec {command[0]}: exec format error")


def _service(scope: Scope) -> Credentials:
    """Return the keys of the account itself: the emulator takes an account's number for its root user."""
    return Credentials(scope.account, "local", "", float("inf"))


def _is_oci_image(content: bytes) -> bool:
    """Whether a manifest is an image's in OCI's form, which Lambda takes as well; an index it does not."""
    return bool(json.loads(content).get("mediaType") == "application/vnd.oci.image.manifest.v1+json")
