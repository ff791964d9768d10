"""Which container images run here, and how: AWS's own by a table, a person's as they are in ECR."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from localaws.environments import SKLEARN_1_9_0, XGBOOST_3_2_0
from localaws.images.builtin_xgboost import BuiltinXgboost
from localaws.images.prebuilt import PrebuiltImage, Runner
from localaws.ports import Credentials
from localaws.sagemaker.errors import validation_error

_REGISTRY = r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/"


@dataclass(frozen=True)
class Entry:
    """One row: the URIs it answers to, the name to show in messages, and what runs them."""

    pattern: str
    shown: str
    runner: Runner


class Registries(Protocol):
    """The images of accounts of the embedded AWS."""

    def find(self, text: str, role_arn: str, credentials: Callable[[], Credentials]) -> Runner | None:
        """Return what runs an image, or None for an address that is not ECR's."""


class ImageTable:
    """The images that can run here, first match first, and then those that were pushed."""

    def __init__(self, entries: tuple[Entry, ...], own: Registries | None = None) -> None:
        self._entries = entries
        self._own = own

    def find(self, uri: str, role_arn: str, credentials: Callable[[], Credentials]) -> Runner:
        """Return what runs `uri` for a role, whose credentials are made only where they are needed.

        Raises the ValidationException that names the image and what would run.
        """
        for entry in self._entries:
            if re.fullmatch(entry.pattern, uri):
                return entry.runner
        if self._own and (found := self._own.find(uri, role_arn, credentials)):
            return found
        raise validation_error(
            f"Requested image {uri} cannot run on the embedded AWS. "
            f"Images that can: {', '.join(entry.shown for entry in self._entries)}, and those in its ECR."
        )


ENTRIES = (
    Entry(
        _REGISTRY + r"sagemaker-scikit-learn:1\.9-0-cpu-py3",
        "sagemaker-scikit-learn:1.9-0-cpu-py3",
        PrebuiltImage("sklearn_1_9_0", SKLEARN_1_9_0),
    ),
    Entry(
        _REGISTRY + r"sagemaker-xgboost:3\.2-0",
        "sagemaker-xgboost:3.2-0",
        BuiltinXgboost(XGBOOST_3_2_0),
    ),
)
