"""What a stage serves: one deployment, which later changes of the API do not touch, and its own settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.ports import Scope

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Deployment:
    """The API as it was when the deployment was made.

    Every part in the shape of API Gateway's own GET calls.
    """

    id: str
    api: Json
    resources: Mapping[str, Json]
    """By resource id; each has its methods in `resourceMethods`."""
    models: Mapping[str, Any]
    """JSON schemas by the models' names."""
    validators: Mapping[str, Json]
    gateway_responses: Mapping[str, Json]
    """Only those that the API customises, by response type."""


@dataclass(frozen=True)
class Stage:
    """A stage: its deployment, its settings in the shape of GetStage, and where it is."""

    name: str
    api_id: str
    deployment: Deployment
    settings: Json
    scope: Scope
    web_acl: Json | None = None

    @property
    def variables(self) -> Mapping[str, str]:
        """The stage's variables."""
        return self.settings.get("variables") or {}

    def arn(self, method: str, path: str) -> str:
        """Return the ARN that IAM decides execute-api:Invoke on, and that a function's permission names."""
        where = f"arn:aws:execute-api:{self.scope.region}:{self.scope.account}:{self.api_id}"
        return f"{where}/{self.name}/{method}/{path.lstrip('/')}"


@dataclass(frozen=True)
class Route:
    """The resource and method that a request belongs to, and the path's named parts."""

    resource: Json
    method: Json
    path_parameters: Mapping[str, str]

    @property
    def integration(self) -> Json:
        """The method's integration; empty where it has none."""
        integration: Json = self.method.get("methodIntegration") or {}
        return integration
