"""Elastic Beanstalk as a service: from an HTTP request, already authenticated, to an answer."""

import asyncio
import threading
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from localaws.beanstalk import protocol, watching
from localaws.beanstalk.authorization import action_and_resources
from localaws.beanstalk.environment import Environment
from localaws.beanstalk.errors import ApiError
from localaws.beanstalk.events import REQUEST
from localaws.beanstalk.parts import Parts
from localaws.beanstalk.region import Region
from localaws.inventory import Resource
from localaws.ports import Scope

Answer = tuple[int, dict[str, str], bytes]


class Beanstalk:
    """All regions of the service. `authorization` says what IAM has to allow, `handle` does it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._regions: dict[Scope, Region] = {}
        self._ending = threading.Event()

    def region(self, scope: Scope) -> Region:
        """Return the state of one account and region."""
        if scope not in self._regions:
            if not self._regions:
                watching.start(self, self._parts.metrics, self._ending)
            self._regions.setdefault(scope, Region(self._parts, scope))
        return self._regions[scope]

    @property
    def regions(self) -> tuple[Region, ...]:
        """Every region that was used."""
        return tuple(self._regions.values())

    @property
    def environments(self) -> list[Environment]:
        """Every environment that exists."""
        return [item for region in self.regions for item in region.environments.items.values()]

    def authorization(
        self, _path: str, _headers: Mapping[str, str], body: bytes, scope: Scope
    ) -> tuple[str, str]:
        """Return the IAM action and the first resource's ARN; "*" for operations on no single resource."""
        action, resources = action_and_resources(body, self.region(scope))
        return action, resources[0]

    def further(self, body: bytes, scope: Scope) -> Sequence[str]:
        """Return the ARNs of the other resources that a request acts on, such as the second of a swap."""
        return action_and_resources(body, self.region(scope))[1][1:]

    async def handle(self, _path: str, _headers: Mapping[str, str], body: bytes, scope: Scope) -> Answer:
        """Answer one request; errors come back as their HTTP answers."""
        request_id = str(uuid.uuid4())
        headers = {"Content-Type": "text/xml"}
        REQUEST.set(request_id)
        try:
            operation, request = protocol.parse(body)
            # On a thread: a CreateApplicationVersion reads S3 through this very server.
            result = await asyncio.to_thread(self.region(scope).call, operation, request)
            return 200, headers, protocol.answer(operation, result, request_id)
        except ApiError as error:
            return error.status, headers, protocol.error(error, request_id)

    def stop(self) -> None:
        """End every environment at once."""
        self._ending.set()
        if running := self.environments:
            with ThreadPoolExecutor(len(running)) as pool:
                list(pool.map(Environment.kill, running))
        self._parts.routes.stop()

    def inventory(self) -> list[Resource]:
        """Return everything that exists; terminated environments do not."""
        return [
            Resource("elasticbeanstalk", kind, name, detail)
            for region in self.regions
            for kind, name, detail in region.inventory()
        ]

    @property
    def ports(self) -> list[int]:
        """What the environments listen on."""
        return [port for environment in self.environments for port in environment.ports]
