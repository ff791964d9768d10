"""SageMaker as one account sees it in one region: the operations of its API, and the state behind them."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localaws.ports import Scope
from localaws.sagemaker import names
from localaws.sagemaker.endpoint_configs import EndpointConfigs
from localaws.sagemaker.endpoints import Endpoints
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.fleet import Host
from localaws.sagemaker.listing import listed
from localaws.sagemaker.models import Models
from localaws.sagemaker.package_groups import PackageGroups
from localaws.sagemaker.packages import Packages
from localaws.sagemaker.tags import Tags
from localaws.sagemaker.training.store import TrainingJobs
from localaws.sagemaker.transform.jobs import TransformJobs

Json = Mapping[str, Any]


class Region:
    """The control plane. `call` is the API; CloudFormation's handlers use it too."""

    def __init__(self, host: Host, scope: Scope) -> None:
        self.scope = scope
        self.tags = Tags()
        self.package_groups = PackageGroups(scope)
        self.packages = Packages(scope, self.package_groups)
        self.models = Models(scope, host.ports, host.images, self.packages)
        self.configs = EndpointConfigs(scope, self.models)
        self.endpoints = Endpoints(host, scope, self.models, self.configs)
        self.transform_jobs = TransformJobs(host, scope, self.models)
        self.training_jobs = TrainingJobs(host, scope)
        self._lock = threading.RLock()  # calls come from worker threads; each is short but for archive checks
        self._operations: dict[str, Callable[[Json], Json]] = {
            "CreateModel": self._create_model,
            "DescribeModel": lambda r: self.models.get(_name(r, "ModelName")).describe(),
            "ListModels": lambda r: _listed("Models", self.models.items.values(), r),
            "DeleteModel": lambda r: self._gone(self.models.delete(_name(r, "ModelName")).arn),
            "CreateEndpointConfig": self._create_config,
            "DescribeEndpointConfig": lambda r: self.configs.get(_name(r, "EndpointConfigName")).describe(),
            "ListEndpointConfigs": lambda r: _listed("EndpointConfigs", self.configs.items.values(), r),
            "DeleteEndpointConfig": lambda r: self._gone(
                self.configs.delete(_name(r, "EndpointConfigName")).arn
            ),
            "CreateEndpoint": self._create_endpoint,
            "DescribeEndpoint": lambda r: self.endpoints.get(_name(r, "EndpointName")).describe(),
            "ListEndpoints": lambda r: _listed("Endpoints", self.endpoints.items.values(), r),
            "UpdateEndpoint": lambda r: {"EndpointArn": self.endpoints.update(r).arn},
            "UpdateEndpointWeightsAndCapacities": lambda r: {"EndpointArn": self.endpoints.rescale(r).arn},
            "DeleteEndpoint": lambda r: self._gone(self.endpoints.delete(_name(r, "EndpointName")).arn),
            "CreateTransformJob": self._create_transform_job,
            "DescribeTransformJob": lambda r: self.transform_jobs.get(r).describe(),
            "ListTransformJobs": self.transform_jobs.list,
            "StopTransformJob": self.transform_jobs.stop,
            "CreateTrainingJob": self._create_training_job,
            "DescribeTrainingJob": self.training_jobs.describe,
            "ListTrainingJobs": self.training_jobs.list,
            "StopTrainingJob": self.training_jobs.stop,
            "DeleteTrainingJob": lambda r: self._gone(self.training_jobs.delete(r)),
            "CreateModelPackageGroup": self._create_package_group,
            "DescribeModelPackageGroup": self.package_groups.describe,
            "ListModelPackageGroups": self.package_groups.list,
            "DeleteModelPackageGroup": lambda r: self._gone(self.packages.delete_group(r).arn),
            "CreateModelPackage": self._create_package,
            "DescribeModelPackage": self.packages.describe,
            "ListModelPackages": self.packages.list,
            "UpdateModelPackage": lambda r: {"ModelPackageArn": self.packages.update(r).arn},
            "DeleteModelPackage": lambda r: self._gone(self.packages.delete(r).arn),
            "AddTags": lambda r: {"Tags": self.tags.add(_arn(r), names.required(r, "Tags"))},
            "ListTags": lambda r: {"Tags": self.tags.list(_arn(r))},
            "DeleteTags": self._delete_tags,
        }

    def call(self, operation: str, request: Json) -> Json:
        """Run one API operation. Raises ApiError."""
        if operation not in self._operations:
            raise ApiError(
                "UnknownOperationException", f"SageMaker {operation} is not part of the embedded AWS."
            )
        with self._lock:
            return self._operations[operation](request)

    def _create_model(self, request: Json) -> Json:
        return {"ModelArn": self._tagged(self.models.create(request).arn, request)}

    def _create_config(self, request: Json) -> Json:
        return {"EndpointConfigArn": self._tagged(self.configs.create(request).arn, request)}

    def _create_endpoint(self, request: Json) -> Json:
        return {"EndpointArn": self._tagged(self.endpoints.create(request).arn, request)}

    def _create_transform_job(self, request: Json) -> Json:
        return {"TransformJobArn": self._tagged(self.transform_jobs.create(request).arn, request)}

    def _create_training_job(self, request: Json) -> Json:
        return {"TrainingJobArn": self._tagged(self.training_jobs.create(request).arn, request)}

    def _create_package_group(self, request: Json) -> Json:
        return {"ModelPackageGroupArn": self._tagged(self.package_groups.create(request).arn, request)}

    def _create_package(self, request: Json) -> Json:
        return {"ModelPackageArn": self._tagged(self.packages.create(request).arn, request)}

    def _delete_tags(self, request: Json) -> Json:
        self.tags.delete(_arn(request), names.required(request, "TagKeys"))
        return {}

    def _tagged(self, arn: str, request: Json) -> str:
        self.tags.add(arn, request.get("Tags") or [])
        return arn

    def _gone(self, arn: str) -> Json:
        self.tags.forget(arn)
        return {}


def _name(request: Json, member: str) -> str:
    return names.checked_name(request, member)


def _arn(request: Json) -> str:
    return str(names.required(request, "ResourceArn"))


def _listed(member: str, items: Iterable[Any], request: Json) -> Json:
    name = f"{member[:-1]}Name"
    return listed(member, [item.summary() for item in items], request, name=name, status="EndpointStatus")
