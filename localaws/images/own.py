"""Images of one's own: found in the embedded AWS's ECR, and run here by the engine or as a process."""

from collections.abc import Callable
from dataclasses import dataclass

from localaws.errors import ImageError
from localaws.images import definition
from localaws.images.container_image import ContainerImage, LoadedImages
from localaws.images.defined_image import Contexts, DefinedImage
from localaws.images.prebuilt import Runner
from localaws.images.registry_client import ImageUri, RegistryClient
from localaws.images.store import MANIFEST, parsed_manifest
from localaws.ports import AccessDeniedError, Credentials, ImageSource, NotFoundError, Scope
from localaws.sagemaker.errors import ApiError, validation_error


@dataclass(frozen=True)
class OwnImages:
    """Reads images under the model's role, as SageMaker does."""

    url: str
    source: ImageSource
    loaded: LoadedImages
    contexts: Contexts

    def find(self, text: str, role_arn: str, credentials: Callable[[], Credentials]) -> Runner | None:
        """Return what runs an image, or None for one that is not in ECR, or in another account's.

        Raises the ValidationException for an image that SageMaker would not take.
        """
        uri = ImageUri.parse(text)
        if uri is None or uri.account != role_arn.split(":")[4]:
            return None
        session = credentials()
        registry = Scope(uri.account, uri.region)
        try:
            content = self.source.manifest(registry, uri.repository, uri.reference, session)
        except AccessDeniedError as error:
            raise _denied(text, role_arn) from error
        except NotFoundError as error:
            raise validation_error(f"Requested image {text} not found.") from error
        manifest = parsed_manifest(content)
        if manifest.media_type != MANIFEST:
            # The usual causes: podman's own format, and the attestations that docker adds.
            raise validation_error(
                f"Unsupported manifest media type {manifest.media_type} for image {text}. Ensure that valid "
                "manifest media type is used for specified image."
            )

        def client() -> RegistryClient:
            try:
                return RegistryClient(self.url, self.source.token(registry, session))
            except AccessDeniedError as error:
                raise ImageError(str(_denied(text, role_arn)), why=str(error)) from error

        if manifest.kind == definition.CONFIG:
            return DefinedImage(client, uri.repository, manifest, self.contexts)
        self.loaded.require_engine(text)
        return ContainerImage(client, uri.repository, manifest, self.loaded)


def _denied(text: str, role_arn: str) -> ApiError:
    return validation_error(
        f"The role '{role_arn}' does not have BatchGetImage permission for the image: '{text}'."
    )
