"""SageMaker as a service: from an HTTP request, already authenticated, to an answer."""

import asyncio
import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from localaws.ports import Scope
from localaws.sagemaker import names
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.fleet import Host
from localaws.sagemaker.metrics import InvocationMeter
from localaws.sagemaker.region import Region
from localaws.sagemaker.runtime import Answer, Runtime

_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
_JSON = "application/x-amz-json-1.1"
# What an operation acts on, for its IAM resource: the request's member and the kind in the ARN.
_RESOURCE_OF = {
    "Model": ("ModelName", "model"),
    "EndpointConfig": ("EndpointConfigName", "endpoint-config"),
    "Endpoint": ("EndpointName", "endpoint"),
    "ModelPackageGroup": ("ModelPackageGroupName", "model-package-group"),
    "ModelPackage": ("ModelPackageName", "model-package"),
    "TransformJob": ("TransformJobName", "transform-job"),
    "TrainingJob": ("TrainingJobName", "training-job"),
    "EndpointWeightsAndCapacities": ("EndpointName", "endpoint"),
}


class SageMaker:
    """All regions of the service. `authorization` says what IAM has to allow, `handle` does it."""

    def __init__(self, host: Host, meter: InvocationMeter) -> None:
        self._host = host
        self._runtime = Runtime(meter)
        self._regions: dict[Scope, Region] = {}

    def region(self, scope: Scope) -> Region:
        """Return the state of one account and region."""
        if scope not in self._regions:
            self._regions.setdefault(scope, Region(self._host, scope))
        return self._regions[scope]

    @property
    def regions(self) -> tuple[Region, ...]:
        """Every region that was used."""
        return tuple(self._regions.values())

    def authorization(
        self, path: str, headers: Mapping[str, str], body: bytes, scope: Scope
    ) -> tuple[str, str]:
        """Return the IAM action and resource ARN of a request; "*" for operations on no single resource."""
        if match := _INVOCATION.fullmatch(path):
            return "sagemaker:InvokeEndpoint", names.arn(scope, "endpoint", match[1])
        operation = _operation(headers)
        request = _parsed(body)
        if arn := request.get("ResourceArn"):
            return f"sagemaker:{operation}", str(arn)
        return f"sagemaker:{operation}", _resource(operation, request, scope)

    async def handle(self, path: str, headers: Mapping[str, str], body: bytes, scope: Scope) -> Answer:
        """Answer one request; errors come back as their HTTP answers."""
        invocation = _INVOCATION.fullmatch(path)
        try:
            if invocation:
                return await self._runtime.invoke(self.region(scope), invocation[1], headers, body)
            # On a thread: a CreateModel reads S3 through this very server.
            call = self.region(scope).call
            answer = await asyncio.to_thread(call, _operation(headers), _parsed(body))
            return 200, {"Content-Type": _JSON}, json.dumps(answer).encode()
        except ApiError as error:
            return _error_answer(error, runtime=bool(invocation))

    def stop(self) -> None:
        """End every model server at once."""
        self._host.shipper.close()
        running = [
            item
            for region in self.regions
            for store in (region.endpoints, region.transform_jobs, region.training_jobs)
            for item in store.items.values()
        ]
        if running:
            with ThreadPoolExecutor(len(running)) as pool:
                list(pool.map(lambda item: item.kill(), running))


def _resource(operation: str, request: Mapping[str, object], scope: Scope) -> str:
    """Return the ARN of what an operation acts on; "*" for none, or for many."""
    kind = re.sub(r"^(Create|Describe|Update|Delete|Stop)", "", operation)
    member, part = _RESOURCE_OF.get(kind, ("", ""))
    name = request.get(member)
    if name is None and kind in ("ModelPackage", "ListModelPackages"):
        # AWS asks for the right on a group's packages, as in its guide's policies for other accounts.
        group = request.get("ModelPackageGroupName")
        part = "model-package"
        name = f"{str(group).rpartition('/')[2]}/*" if group else request.get("ModelPackageArn")
    if not isinstance(name, str):
        return "*"
    return name if name.startswith("arn:") else names.arn(scope, part, name)


def _operation(headers: Mapping[str, str]) -> str:
    return headers.get("x-amz-target", "").rpartition(".")[2]


def _parsed(body: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) else {}


def _error_answer(error: ApiError, *, runtime: bool) -> Answer:
    # The control plane says "message", the runtime "Message"; SDKs read the type from either place.
    body = {"__type": error.code, "Message" if runtime else "message": error.message, **error.members}
    content_type = "application/json" if runtime else _JSON
    return (
        error.status,
        {"Content-Type": content_type, "x-amzn-ErrorType": error.code},
        json.dumps(body).encode(),
    )
