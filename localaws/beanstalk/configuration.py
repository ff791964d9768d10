"""What an environment runs at one moment: version, platform and options."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from localaws.beanstalk.applications import Version
from localaws.beanstalk.options import Options
from localaws.beanstalk.platforms import Platform


@dataclass(frozen=True)
class Configuration:
    """A version on a platform under options; `template` is the configuration template it began with."""

    version: Version
    platform: Platform
    options: Options
    template: str = ""

    def changed(
        self,
        version: Version | None,
        platform: Platform | None,
        options: Options,
    ) -> "Configuration":
        """Return this with another version, platform or options; None keeps what there is."""
        return replace(
            self, version=version or self.version, platform=platform or self.platform, options=options
        )

    def describe(self) -> Mapping[str, Any]:
        """Return its members of an environment's description."""
        told = {
            "VersionLabel": self.version.label,
            "SolutionStackName": self.platform.solution_stack,
            "PlatformArn": self.platform.arn,
        }
        return {**told, "TemplateName": self.template} if self.template else told
