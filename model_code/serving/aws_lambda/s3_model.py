"""The model in S3: looked at now and then, taken when it is in order, and the old one kept when it is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..doors.hooks import Imported, imported, put_back
from ..doors.served import NotReady, Served, load, told
from ..errors import NotVerified
from .archive import keep_only, remove, unpacked
from .log import say_problem
from .pointer import Pointer, pointer_of
from .settings import S3Place
from .source import Current

# On a request, not beside it: Lambda stops everything between requests.
_LOOK_EVERY_S = 30.0
# Where there is no model yet: a function starts before its first deploy puts one in force.
_LOOK_FIRST_S = 1.0
# How long the first model may take to arrive, and a later one: a request waits that the old one could answer.
_FIRST_S, _LATER_S = 60.0, 5.0
_CONNECT_S, _READ_S = 1.0, 2.0
_MOST_POINTER_BYTES = 4096
CACHE = Path("/tmp/slipway-models")  # noqa: S108 - a function's own; what is in it is verified whenever it is loaded


def s3_client() -> Any:
    """Return a client that gives up soon: a request waits for it, and the old model answers as well."""
    import botocore.session
    from botocore.config import Config

    config = Config(connect_timeout=_CONNECT_S, read_timeout=_READ_S, retries={"total_max_attempts": 2})
    return botocore.session.get_session().create_client("s3", config=config)


class S3Model:
    """The model that a pointer names.

    Args:
        place: where the pointer is.
        max_rows: how many rows one request may have.
        client: of S3.
        cache: where archives are unpacked.
        clock: seconds of the day: they go on while a snapshot of the function sleeps.
    """

    def __init__(
        self, place: S3Place, max_rows: int, client: Any, cache: Path = CACHE,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._place = place
        self._prefix = f"{place.pointer.rpartition('/')[0]}/"
        self._max_rows = max_rows
        self._client = client
        self._cache = cache
        self._clock = clock
        self._in_force: Pointer | None = None
        self._useless: Pointer | None = None
        self._told: tuple[str, ...] = ()
        self._current = Current("", NotReady("model_not_loadable", "No model was looked for."))
        self._looked = clock()
        self._look()

    def current(self) -> Current:
        """Return the model in force, after a look at the pointer where the last one was a while ago."""
        now = self._clock()
        patience = _LOOK_FIRST_S if self._in_force is None else _LOOK_EVERY_S
        if not 0 <= now - self._looked < patience:
            self._looked = now
            self._look()
        return self._current

    @contextmanager
    def candidate(self, pointer: Any) -> Iterator[Current]:
        """Return the model that a pointer names; see ModelSource."""
        named, before = pointer_of(pointer, self._prefix), imported()
        try:
            yield Current(named.version, self._load(named, _FIRST_S))
        finally:
            self._put_back(before)

    def _look(self) -> None:
        """Take the model that the pointer names now; whatever is wrong with it leaves the old one."""
        pointer = None
        try:
            pointer = self._pointer()
            if pointer in (self._in_force, self._useless):
                return
            loaded = self._taken(pointer)
        except NotVerified as error:
            loaded = NotReady("model_not_verified", str(error))
        except Exception as error:  # S3, the network, the disk: nothing of it may stop the old model
            loaded = NotReady("model_not_loadable", told(error))
        if isinstance(loaded, NotReady):
            self._keep(loaded, pointer)
            return
        assert pointer is not None  # noqa: S101 - it was loaded
        self._in_force, self._told = pointer, ()
        self._current = Current(pointer.version, loaded)
        keep_only(self._cache, pointer.archive_sha256)

    def _taken(self, pointer: Pointer) -> Served | NotReady:
        before = imported()
        if self._in_force is None:
            return self._load(pointer, _FIRST_S)
        loaded = self._load(pointer, _LATER_S)
        if isinstance(loaded, NotReady):
            self._put_back(before)
            keep_only(self._cache, self._in_force.archive_sha256)
            self._useless = pointer  # it has arrived as it should be: another look finds the same
        return loaded

    def _put_back(self, before: Imported) -> None:
        served = self._current.served
        put_back(before, served.model if isinstance(served, Served) else None)

    def _keep(self, reason: NotReady, pointer: Pointer | None) -> None:
        if self._in_force is None:
            self._current = Current("", reason)
        known = (reason.code, reason.message, pointer.version if pointer else "")
        if known != self._told:  # once, however often it is met again
            self._told = known
            say_problem(
                reason.code, reason.message,
                model_version=self._current.version, refused_version=known[2],
            )  # fmt: skip

    def _get(self, key: str) -> Any:
        return self._client.get_object(
            Bucket=self._place.bucket, Key=key, ExpectedBucketOwner=self._place.owner
        )

    def _pointer(self) -> Pointer:
        found = self._get(self._place.pointer)
        content = found["Body"].read(_MOST_POINTER_BYTES + 1)
        if len(content) > _MOST_POINTER_BYTES:
            raise ValueError("the pointer is larger than a pointer")
        return pointer_of(content, self._prefix)

    def _load(self, pointer: Pointer, seconds: float) -> Served | NotReady:
        until = self._clock() + seconds

        def in_time() -> None:
            if self._clock() > until:
                raise TimeoutError(f"{pointer.archive} did not arrive within {seconds:g} s")

        def loaded() -> Served | NotReady:
            folder = unpacked(self._cache, pointer.archive, pointer.archive_sha256, self._get, in_time)
            return load(folder, pointer.manifest_sha256, self._max_rows)

        found = loaded()
        if isinstance(found, NotReady) and found.code == "model_not_verified":
            # What lay in the cache is not what was put there, or never was in order.
            remove(self._cache, pointer.archive_sha256)
            found = loaded()
        return found
