"""A boto3 session for code that makes its own clients, as the SageMaker SDK does."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config


class BoundSession(boto3.Session):  # type: ignore[misc]  # boto3 has no types
    """Makes clients that all go to one place, whatever the shell's variables say, and give up as ours do.

    Args:
        session: whose credentials and region they have.
        endpoint_url: where they go; None is AWS.
        config: over what the caller of `client` gives: retries, time limits.
    """

    def __init__(self, session: boto3.Session, endpoint_url: str | None, config: Config) -> None:
        # Not a second session around the same botocore session: that would register boto3's handlers twice.
        self.__dict__.update(session.__dict__)
        self._endpoint_url, self._config = endpoint_url, config

    def client(self, service_name: str, region_name: str | None = None, **options: Any) -> Any:
        """Make a client as boto3 does."""
        given = options.pop("config", None)
        options["config"] = given.merge(self._config) if given else self._config
        if self._endpoint_url:
            options["endpoint_url"] = self._endpoint_url
        return super().client(service_name, region_name, **options)
