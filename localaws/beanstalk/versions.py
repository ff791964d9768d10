"""Application versions: made from bundles that are there, and not deleted under an environment."""

import time
from collections.abc import Mapping
from typing import Any

from localaws.beanstalk import names
from localaws.beanstalk.account import Account
from localaws.beanstalk.applications import Applications, Version
from localaws.beanstalk.environments import Environments
from localaws.beanstalk.errors import ApiError, invalid_combination, invalid_value
from localaws.beanstalk.events import Event, Events
from localaws.beanstalk.listing import page
from localaws.ports import AccessDeniedError, NotFoundError, Scope

MOST_BYTES = 500 * 1024 * 1024  # a source bundle's limit, from the Developer Guide


class Versions:
    """The versions of all applications."""

    def __init__(
        self,
        account: Account,
        scope: Scope,
        applications: Applications,
        environments: Environments,
        events: Events,
    ) -> None:
        self._account = account
        self._scope = scope
        self._applications = applications
        self._environments = environments
        self._events = events

    def create(self, request: Mapping[str, Any]) -> Version:
        """Make a version of a bundle in S3. Raises ApiError."""
        application = self._applications.asked(request)
        label = names.checked_length("VersionLabel", names.required(request, "VersionLabel"))
        if label in application.versions:
            raise invalid_value(f"Application Version {label} already exists.")
        if request.get("SourceBuildInformation") or request.get("BuildConfiguration"):
            raise invalid_combination("The embedded AWS builds no versions: give a SourceBundle in S3.")
        bundle = request.get("SourceBundle") or {}
        if not (bundle.get("S3Bucket") and bundle.get("S3Key")):
            raise invalid_combination(
                "The embedded AWS has no sample application: give a SourceBundle in S3."
            )
        self._check(bundle["S3Bucket"], bundle["S3Key"])
        version = application.versions[label] = Version(
            application.name,
            label,
            names.arn(self._scope, "applicationversion", application.name, label),
            bundle["S3Bucket"],
            bundle["S3Key"],
            request.get("Description") or "",
            "PROCESSED" if request.get("Process") else "UNPROCESSED",
        )
        self._events.add(
            Event("INFO", f"Created new Application Version: {label}", application.name, version_label=label)
        )
        return version

    def update(self, request: Mapping[str, Any]) -> Version:
        """Change the description."""
        version = self._asked(request)
        version.description = request.get("Description", version.description)
        version.updated = time.time()
        return version

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer DescribeApplicationVersions, the newest first."""
        name, labels = request.get("ApplicationName"), request.get("VersionLabels")
        applications = self._applications.items
        chosen = [applications[name]] if name in applications else [] if name else list(applications.values())
        found = sorted(
            (
                version
                for application in chosen
                for version in application.versions.values()
                if not labels or version.label in labels
            ),
            key=lambda version: -version.created,
        )
        shown, token = page(found, request, 1000)
        return {"ApplicationVersions": [version.describe() for version in shown], "NextToken": token}

    def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a version, and its bundle where that is asked. Raises ApiError where one runs it."""
        application = self._applications.items.get(names.required(request, "ApplicationName"))
        label = names.required(request, "VersionLabel")
        version = application.versions.get(label) if application else None
        if application is None or version is None:
            return {}
        for environment in self._environments.of(application.name):
            if environment.current.version is version:
                raise ApiError(
                    "SourceBundleDeletionFailure"
                    if request.get("DeleteSourceBundle")
                    else "OperationInProgressFailure",
                    f"Unable to delete application version {label} because it is deployed to a running "
                    f"environment: {environment.name}",
                )
        del application.versions[label]
        if request.get("DeleteSourceBundle"):
            self._account.delete(self._scope, version.bucket, version.key)
        return {}

    def _asked(self, request: Mapping[str, Any]) -> Version:
        return self._applications.asked(request).version(names.required(request, "VersionLabel"))

    def _check(self, bucket: str, key: str) -> None:
        where = f"Unable to download from S3 location (Bucket: {bucket}  Key: {key}). Reason: "
        try:
            size = self._account.bundle_size(self._scope, bucket, key)
        except NotFoundError:
            raise invalid_combination(f"{where}Not Found") from None
        except AccessDeniedError:
            raise invalid_combination(f"{where}Forbidden") from None
        if size > MOST_BYTES:
            raise invalid_combination(
                f"Source bundle is too large: it has {size} bytes, and the limit is {MOST_BYTES}."
            )
