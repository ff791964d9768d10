"""A function's image where no container engine is: what the stage `lambda` of the Dockerfile defines."""

from dataclasses import dataclass
from pathlib import Path

from localaws.environments import ensure_environment
from localaws.errors import EngineMissingError, ImageError
from localaws.images.defined_image import compile_context, localized
from localaws.images.definition import HOME, LAMBDA, VENV, Definition
from localaws.images.prebuilt import Launch
from localaws.lambda_functions.function import Image
from localaws.lambda_functions.variables import process_variables

_MODEL = "/opt/ml/model"


@dataclass(frozen=True)
class DefinedForm:
    """The environment that the stage installs, its variables, and the client that it starts."""

    definition: Definition
    environment: Path
    command: tuple[str, ...]

    @classmethod
    def prepare(cls, image: Image, definition: Definition, envs: Path) -> "DefinedForm":
        """Build what is missing. Raises LocalAwsError."""
        if definition.target != LAMBDA:
            raise ImageError(
                f"{image.uri} is no function: its stage {definition.target or 'without a name'} does not "
                "ask Lambda's Runtime API for events",
                fix="build the stage lambda of serving/Dockerfile",
            )
        if image.entry_point:
            raise EngineMissingError(f"{image.uri} cannot run with an entry point of your own here")
        environment = ensure_environment(definition.recipe(), envs)
        compile_context(environment, definition.folder)
        return cls(definition, environment, image.command or definition.command())

    @property
    def working_directory(self) -> Path:
        """WORKDIR of the stage."""
        return self.definition.folder

    @property
    def limits_memory(self) -> bool:
        """A process takes what it wants; it has to be watched."""
        return False

    def launch(self, folder: Path, given: dict[str, str]) -> Launch:
        """Return the command of one process; `folder` is its own."""
        here = {
            VENV: str(self.environment),
            HOME: str(self.definition.folder),
            _MODEL: str(self.definition.folder / "model"),
            "/tmp": str(folder / "tmp"),  # noqa: S108
        }
        variables = localized(self.definition.variables(), here)
        environment = process_variables(
            folder, self.definition.folder, {**variables, **given}, environment=self.environment
        )
        python = self.environment / "bin" / "python"
        command = (str(python), "-m", "awslambdaric", *self.command)
        return Launch(command, environment, {path: name for name, path in here.items()})

    def release(self) -> None:
        """Nothing was prepared for this function alone."""
