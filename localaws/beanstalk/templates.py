"""Configuration templates, and what is told of options: settings, descriptions, faults."""

import time
from collections.abc import Mapping
from typing import Any

from localaws.beanstalk import names, option_table, options, platforms
from localaws.beanstalk.applications import Applications, Template
from localaws.beanstalk.environments import Environments
from localaws.beanstalk.errors import invalid_combination, invalid_value
from localaws.beanstalk.options import Options
from localaws.beanstalk.platforms import Platform
from localaws.ports import Scope


class Templates:
    """The templates of all applications."""

    def __init__(self, scope: Scope, applications: Applications, environments: Environments) -> None:
        self._scope = scope
        self._applications = applications
        self._environments = environments

    def create(self, request: Mapping[str, Any]) -> Template:
        """Keep options under a name, from a platform, a template or an environment. Raises ApiError."""
        application = self._applications.asked(request)
        name = names.checked_length("TemplateName", names.required(request, "TemplateName"))
        if name in application.templates:
            raise invalid_value(f"Configuration Template {application.name}/{name} already exists.")
        platform, base = self._source(request)
        settings = request.get("OptionSettings") or ()
        options.check(settings)
        template = application.templates[name] = Template(
            application.name, name, platform, base.changed(settings), request.get("Description") or ""
        )
        return template

    def update(self, request: Mapping[str, Any]) -> Template:
        """Change options or description. Raises ApiError."""
        template = self._asked(request)
        settings = request.get("OptionSettings") or ()
        options.check(settings)
        template.options = template.options.changed(settings, request.get("OptionsToRemove") or ())
        template.description = request.get("Description", template.description)
        template.updated = time.time()
        return template

    def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a template; one that is gone is fine. Environments that began with it stay as they are."""
        application = self._applications.items.get(names.required(request, "ApplicationName"))
        if application:
            application.templates.pop(names.required(request, "TemplateName"), None)
        return {}

    def describe_settings(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer DescribeConfigurationSettings for a template or an environment."""
        if request.get("TemplateName"):
            return {"ConfigurationSettings": [self._asked(request).describe()]}
        environment = self._environments.find(request)
        told = {
            **environment.current.describe(),
            "ApplicationName": environment.application,
            "Description": environment.description or None,
            "Tier": names.TIER,
            "EnvironmentName": environment.name,
            "DeploymentStatus": "pending" if environment.status == "Updating" else "deployed",
            "DateCreated": environment.created,
            "DateUpdated": environment.updated,
            "OptionSettings": environment.current.options.describe(),
        }
        return {"ConfigurationSettings": [told]}

    def describe_options(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer DescribeConfigurationOptions."""
        platform = platforms.find(request, self._scope.region)
        if platform is None and request.get("TemplateName"):
            platform = self._asked(request).platform
        if platform is None and (request.get("EnvironmentName")):
            platform = self._environments.find(request).current.platform
        platform = platform or platforms.platforms(self._scope.region)[0]
        asked = {(entry.get("Namespace"), entry.get("OptionName")) for entry in request.get("Options") or ()}
        return {
            "SolutionStackName": platform.solution_stack,
            "PlatformArn": platform.arn,
            "Options": [entry for entry in option_table.describe() if not asked or _key(entry) in asked],
        }

    def validate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer ValidateConfigurationSettings."""
        self._applications.asked(request)
        return {"Messages": options.faults(request.get("OptionSettings") or ())}

    def _asked(self, request: Mapping[str, Any]) -> Template:
        return self._applications.asked(request).template(names.required(request, "TemplateName"))

    def _source(self, request: Mapping[str, Any]) -> tuple[Platform, Options]:
        if request.get("EnvironmentId"):
            current = self._environments.find(request).current
            return current.platform, current.options
        if source := request.get("SourceConfiguration"):
            template = self._asked(source)
            return template.platform, template.options
        platform = platforms.find(request, self._scope.region)
        if platform is None:
            raise invalid_combination(
                "You must specify one of SolutionStackName, PlatformArn, SourceConfiguration or "
                "EnvironmentId."
            )
        return platform, Options()


def _key(entry: Mapping[str, Any]) -> tuple[str, str]:
    return entry["Namespace"], entry["Name"]
