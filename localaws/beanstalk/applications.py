"""Applications of one account and region, with the versions and templates that belong to them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localaws.beanstalk import names
from localaws.beanstalk.errors import invalid_value
from localaws.beanstalk.options import Options
from localaws.beanstalk.platforms import Platform
from localaws.ports import Scope


@dataclass
class Version:
    """One version: where its bundle lies. Times are in seconds since 1970."""

    application: str
    label: str
    arn: str
    bucket: str
    key: str
    description: str = ""
    status: str = "UNPROCESSED"
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)

    def describe(self) -> dict[str, Any]:
        """Return the version as DescribeApplicationVersions shows it."""
        return {
            "ApplicationVersionArn": self.arn,
            "ApplicationName": self.application,
            "Description": self.description or None,
            "VersionLabel": self.label,
            "SourceBundle": {"S3Bucket": self.bucket, "S3Key": self.key},
            "DateCreated": self.created,
            "DateUpdated": self.updated,
            "Status": self.status,
        }


@dataclass
class Template:
    """A configuration template: options kept under a name."""

    application: str
    name: str
    platform: Platform
    options: Options
    description: str = ""
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)

    def describe(self) -> dict[str, Any]:
        """Return the template as DescribeConfigurationSettings shows it."""
        return {
            "SolutionStackName": self.platform.solution_stack,
            "PlatformArn": self.platform.arn,
            "ApplicationName": self.application,
            "TemplateName": self.name,
            "Description": self.description or None,
            "DateCreated": self.created,
            "DateUpdated": self.updated,
            "OptionSettings": self.options.describe(),
        }


@dataclass
class Application:
    """An application."""

    name: str
    arn: str
    description: str = ""
    lifecycle: Mapping[str, Any] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    versions: dict[str, Version] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """Return the application as DescribeApplications shows it."""
        return {
            "ApplicationArn": self.arn,
            "ApplicationName": self.name,
            "Description": self.description or None,
            "DateCreated": self.created,
            "DateUpdated": self.updated,
            "Versions": sorted(self.versions, key=lambda label: -self.versions[label].created),
            "ConfigurationTemplates": list(self.templates),
            "ResourceLifecycleConfig": self.lifecycle or _NO_LIFECYCLE,
        }

    def version(self, label: str) -> Version:
        """Return a version. Raises ApiError."""
        if label not in self.versions:
            raise invalid_value(f"No Application Version named '{label}' found.")
        return self.versions[label]

    def template(self, name: str) -> Template:
        """Return a template. Raises ApiError."""
        if name not in self.templates:
            raise invalid_value(f"No Configuration Template named '{self.name}/{name}' found.")
        return self.templates[name]


_NO_LIFECYCLE = {
    "VersionLifecycleConfig": {
        "MaxCountRule": {"Enabled": False, "MaxCount": 200, "DeleteSourceFromS3": False},
        "MaxAgeRule": {"Enabled": False, "MaxAgeInDays": 180, "DeleteSourceFromS3": False},
    }
}


class Applications:
    """Creates, updates and finds applications."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.items: dict[str, Application] = {}

    def create(self, request: Mapping[str, Any]) -> Application:
        """Make one. Raises ApiError."""
        name = names.checked_length("ApplicationName", names.required(request, "ApplicationName"))
        if name in self.items:
            raise invalid_value(f"Application {name} already exists.")
        found = self.items[name] = Application(
            name,
            names.arn(self._scope, "application", name),
            request.get("Description") or "",
            request.get("ResourceLifecycleConfig") or {},
        )
        return found

    def get(self, name: str) -> Application:
        """Return an application. Raises ApiError."""
        if name not in self.items:
            raise invalid_value(f"No Application named '{name}' found.")
        return self.items[name]

    def asked(self, request: Mapping[str, Any]) -> Application:
        """Return the application that a request names. Raises ApiError."""
        return self.get(names.required(request, "ApplicationName"))

    def update(self, request: Mapping[str, Any]) -> Application:
        """Change the description; a member that is left out stays."""
        found = self.asked(request)
        found.description = request.get("Description", found.description)
        found.updated = time.time()
        return found

    def update_lifecycle(self, request: Mapping[str, Any]) -> Application:
        """Change how long versions are kept. The rules are kept and shown; here nothing ages."""
        found = self.asked(request)
        found.lifecycle = {**found.lifecycle, **names.required(request, "ResourceLifecycleConfig")}
        return found

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer DescribeApplications."""
        asked = request.get("ApplicationNames")
        found = [item for name, item in self.items.items() if not asked or name in asked]
        return {"Applications": [item.describe() for item in found]}
