"""Elastic Beanstalk as one account sees it in one region: the operations of its API, and their state."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localaws.beanstalk import names, platforms
from localaws.beanstalk.applications import Applications
from localaws.beanstalk.description import described, resources
from localaws.beanstalk.environments import Environments
from localaws.beanstalk.errors import ApiError, invalid_value
from localaws.beanstalk.events import Event, Events
from localaws.beanstalk.parts import Parts
from localaws.beanstalk.reports import Reports
from localaws.beanstalk.tags import Tags
from localaws.beanstalk.templates import Templates
from localaws.beanstalk.versions import Versions
from localaws.ports import Scope

Json = Mapping[str, Any]
_TERMINATION_S = 300.0


class Region:
    """The API. `call` runs one operation; CloudFormation's handlers use it too."""

    def __init__(self, parts: Parts, scope: Scope) -> None:
        self.scope = scope
        self.events = Events()
        self.tags = Tags()
        self.applications = Applications(scope)
        self.environments = Environments(parts, scope, self.applications, self.events)
        self.versions = Versions(parts.account, scope, self.applications, self.environments, self.events)
        self.templates = Templates(scope, self.applications, self.environments)
        self._reports = Reports(parts.account, scope, self.environments)
        self._account = parts.account
        self._lock = threading.RLock()
        versions, environments, templates = self.versions, self.environments, self.templates
        find, reports = environments.find, self._reports
        self._operations: dict[str, Callable[[Json], Json]] = {
            "CreateApplication": self._create_application,
            "DescribeApplications": self.applications.describe,
            "UpdateApplication": lambda r: {"Application": self.applications.update(r).describe()},
            "UpdateApplicationResourceLifecycle": self._update_lifecycle,
            "DeleteApplication": self._delete_application,
            "CreateApplicationVersion": self._create_version,
            "DescribeApplicationVersions": versions.describe,
            "UpdateApplicationVersion": lambda r: {"ApplicationVersion": versions.update(r).describe()},
            "DeleteApplicationVersion": versions.delete,
            "CreateConfigurationTemplate": lambda r: templates.create(r).describe(),
            "UpdateConfigurationTemplate": lambda r: templates.update(r).describe(),
            "DeleteConfigurationTemplate": templates.delete,
            "DescribeConfigurationSettings": templates.describe_settings,
            "DescribeConfigurationOptions": templates.describe_options,
            "ValidateConfigurationSettings": templates.validate,
            "DeleteEnvironmentConfiguration": lambda _: {},
            "CheckDNSAvailability": self._check_dns,
            "CreateEnvironment": self._create_environment,
            "DescribeEnvironments": environments.describe,
            "UpdateEnvironment": lambda r: described(environments.update(r)),
            "TerminateEnvironment": self._terminate,
            "RebuildEnvironment": lambda r: self._done(find(r).rebuild),
            "RestartAppServer": lambda r: self._done(find(r).restart),
            "AbortEnvironmentUpdate": lambda r: self._done(find(r).abort),
            "SwapEnvironmentCNAMEs": self._swap,
            "DescribeEnvironmentResources": lambda r: resources(find(r)),
            "DescribeEnvironmentHealth": reports.environment_health,
            "DescribeInstancesHealth": reports.instances_health,
            "DescribeEnvironmentManagedActions": lambda r: self._none(r, "ManagedActions"),
            "DescribeEnvironmentManagedActionHistory": lambda r: self._none(r, "ManagedActionHistoryItems"),
            "RequestEnvironmentInfo": reports.request_info,
            "RetrieveEnvironmentInfo": reports.retrieve_info,
            "DescribeEvents": self.events.describe,
            "ListAvailableSolutionStacks": lambda _: self._solution_stacks(),
            "ListPlatformVersions": lambda r: platforms.list_versions(r, scope.region),
            "ListPlatformBranches": platforms.list_branches,
            "DescribePlatformVersion": self._describe_platform,
            "DescribeAccountAttributes": lambda _: _QUOTAS,
            "CreateStorageLocation": self._create_storage,
            "ListTagsForResource": self._list_tags,
            "UpdateTagsForResource": self._update_tags,
        }

    def call(self, operation: str, request: Json) -> Json:
        """Run one API operation. Raises ApiError."""
        if operation not in self._operations:
            raise ApiError("InvalidAction", f"Elastic Beanstalk {operation} is not part of the embedded AWS.")
        with self._lock:
            return self._operations[operation](request)

    def inventory(self) -> Iterator[tuple[str, str, str]]:
        """Yield kind, name and state of everything that exists."""
        for application in self.applications.items.values():
            yield "application", application.name, ""
            for label in application.versions:
                yield "application-version", f"{application.name}/{label}", ""
            for name in application.templates:
                yield "configuration-template", f"{application.name}/{name}", ""
        for environment in self.environments.items.values():
            yield "environment", environment.name, environment.status

    def _create_application(self, request: Json) -> Json:
        application = self.applications.create(request)
        self.tags.add(application.arn, request.get("Tags") or ())
        self._account.make_bucket(self.scope, names.bucket(self.scope))
        self._say(application.name, f"Created new Application: {application.name}")
        return {"Application": application.describe()}

    def _update_lifecycle(self, request: Json) -> Json:
        found = self.applications.update_lifecycle(request)
        return {"ApplicationName": found.name, "ResourceLifecycleConfig": found.lifecycle}

    def _delete_application(self, request: Json) -> Json:
        name = names.required(request, "ApplicationName")
        if name not in self.applications.items:
            return {}  # as AWS: what is gone may be deleted again
        running = self.environments.of(name)
        if running and not request.get("TerminateEnvByForce"):
            raise ApiError(
                "OperationInProgressFailure",
                f"Unable to delete application {name} because it has a running environment.",
            )
        for environment in running:
            environment.terminate()
        for environment in running:
            environment.wait(_TERMINATION_S)
        application = self.applications.items.pop(name)
        for arn in (application.arn, *(version.arn for version in application.versions.values())):
            self.tags.forget(arn)
        self._say(name, "The application has been deleted successfully.")
        return {}

    def _create_version(self, request: Json) -> Json:
        if request.get("AutoCreateApplication") and request.get("ApplicationName"):
            name = request["ApplicationName"]
            if name not in self.applications.items:
                self._create_application({"ApplicationName": name})
        version = self.versions.create(request)
        self.tags.add(version.arn, request.get("Tags") or ())
        return {"ApplicationVersion": version.describe()}

    def _create_environment(self, request: Json) -> Json:
        environment = self.environments.create(request)
        self.tags.add(environment.arn, request.get("Tags") or ())
        return described(environment)

    def _terminate(self, request: Json) -> Json:
        environment = self.environments.find(request)
        environment.terminate()
        self.tags.forget(environment.arn)
        return described(environment)

    def _swap(self, request: Json) -> Json:
        source = self.environments.find(request, name="SourceEnvironmentName")
        other = self.environments.find(request, name="DestinationEnvironmentName")
        if source is other:
            raise invalid_value("The source and destination environments are the same.")
        source.swap(other)
        return {}

    def _check_dns(self, request: Json) -> Json:
        prefix = names.required(request, "CNAMEPrefix")
        full = f"{prefix}.{self.scope.region}.elasticbeanstalk.com"
        return {"Available": True, "FullyQualifiedCNAME": full}

    def _solution_stacks(self) -> Json:
        stacks = [platform.solution_stack for platform in platforms.platforms(self.scope.region)]
        details = [{"SolutionStackName": name, "PermittedFileTypes": ["zip", "json"]} for name in stacks]
        return {"SolutionStacks": stacks, "SolutionStackDetails": details}

    def _describe_platform(self, request: Json) -> Json:
        names.required(request, "PlatformArn")
        found = platforms.find(request, self.scope.region)
        return {"PlatformDescription": found.describe() if found else None}

    def _create_storage(self, _request: Json) -> Json:
        bucket = names.bucket(self.scope)
        self._account.make_bucket(self.scope, bucket)
        return {"S3Bucket": bucket}

    def _none(self, request: Json, member: str) -> Json:
        """No managed action is ever due here: there is one newest platform version, for good."""
        self.environments.find(request)
        return {member: []}

    def _list_tags(self, request: Json) -> Json:
        arn = self._taggable(request)
        return {"ResourceArn": arn, "ResourceTags": self.tags.list(arn)}

    def _update_tags(self, request: Json) -> Json:
        arn = self._taggable(request)
        self.tags.remove(arn, request.get("TagsToRemove") or ())
        self.tags.add(arn, request.get("TagsToAdd") or ())
        for environment in self.environments.items.values():
            if environment.arn == arn:
                environment.say("INFO", "Environment tag update completed successfully.")
        return {}

    def _taggable(self, request: Json) -> str:
        arn = str(names.required(request, "ResourceArn"))
        versions = (v for item in self.applications.items.values() for v in item.versions.values())
        arns = {item.arn for item in self.applications.items.values()} | {item.arn for item in versions}
        if arn not in arns | {item.arn for item in self.environments.items.values()}:
            raise ApiError("ResourceNotFoundException", f"Resource not found for arn '{arn}'.")
        return arn

    def _done(self, change: Callable[[], None]) -> Json:
        change()
        return {}

    def _say(self, application: str, message: str) -> None:
        self.events.add(Event("INFO", message, application, at=time.time()))


def _quota(most: int) -> Json:
    return {"Maximum": most}


_QUOTAS = {
    "ResourceQuotas": {
        "ApplicationQuota": _quota(75),
        "ApplicationVersionQuota": _quota(1000),
        "EnvironmentQuota": _quota(200),
        "ConfigurationTemplateQuota": _quota(2000),
        "CustomPlatformQuota": _quota(50),
    }
}
