"""What an app imports to ask a deployed model: `Client.from_outputs("iris", stage="prod").predict(rows)`."""

from client.api_door import ApiDoor
from client.client import Client
from client.doors import Answer
from client.environment_door import EnvironmentDoor
from client.errors import (
    AccessDenied,
    ClientError,
    EndpointNotFound,
    ModelFailed,
    RequestRefused,
    Unavailable,
)

__all__ = [
    "AccessDenied",
    "Answer",
    "ApiDoor",
    "Client",
    "ClientError",
    "EndpointNotFound",
    "EnvironmentDoor",
    "ModelFailed",
    "RequestRefused",
    "Unavailable",
]
