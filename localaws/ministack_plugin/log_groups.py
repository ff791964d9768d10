"""Log groups that a service makes in its own name, as Beanstalk does for the machines of an environment."""

from ministack.services import cloudwatch_logs

from localaws.ministack_plugin.scope import acting_in
from localaws.ports import Scope


class MinistackLogGroups:
    """LogGroups of Beanstalk's fleets."""

    def ensure(self, group: str, retention_days: int | None, scope: Scope) -> None:
        """Make a group where it is missing, and set how long it keeps its events; None is for ever."""
        with acting_in(scope):
            cloudwatch_logs._create_log_group({"logGroupName": group})  # an existing one stays
            cloudwatch_logs._log_groups[group]["retentionInDays"] = retention_days

    def delete(self, group: str, scope: Scope) -> None:
        """Remove a group with its streams, where it exists."""
        with acting_in(scope):
            cloudwatch_logs._delete_log_group({"logGroupName": group})
