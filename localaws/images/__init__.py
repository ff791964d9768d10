"""Which container images run on this machine, and how: a table from image URI to a recipe for a process."""

import re
from dataclasses import dataclass

from localaws.environments import SKLEARN_1_9_0
from localaws.images.prebuilt import PrebuiltImage, Runner
from localaws.sagemaker.errors import validation_error

_REGISTRY = r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/"


@dataclass(frozen=True)
class Entry:
    """One row: the URIs it answers to, the name to show in messages, and what runs them."""

    pattern: str
    shown: str
    runner: Runner


class ImageTable:
    """The images that can run here, first match first."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self._entries = entries

    def find(self, uri: str) -> Runner:
        """Return what runs `uri`. Raises the ValidationException that names it and what would run."""
        for entry in self._entries:
            if re.fullmatch(entry.pattern, uri):
                return entry.runner
        raise validation_error(
            f"Requested image {uri} cannot run on the embedded AWS. "
            f"Images that can: {', '.join(entry.shown for entry in self._entries)}."
        )


ENTRIES = (
    Entry(
        _REGISTRY + r"sagemaker-scikit-learn:1\.9-0-cpu-py3",
        "sagemaker-scikit-learn:1.9-0-cpu-py3",
        PrebuiltImage("sklearn_1_9_0", SKLEARN_1_9_0),
    ),
)
