"""Blue/green on Elastic Beanstalk: a second environment, tested, and then the address of the first.

All of it is one update of the stack: its parameter `Slot` is a part of the environment's name, and
CloudFormation makes an environment of another name before it takes the old one away.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipway.aws import Aws
from slipway.direct import await_settled
from slipway.environments import is_environment
from slipway.errors import DeployFailed, NotDeployed, SettingsError
from slipway.story import Story
from stacks.settings import ModelSettings, environment_name, stack_name

SLOT = "Slot"
_SLOTS = ("blue", "green")


@dataclass(frozen=True)
class Swap:
    """What is to be swapped.

    Args:
        model: the model's name.
        stack: its stack's.
        slot: of the environment to make.
        old: the environment that answers now.
        new: the one to make.
        url: the address that goes from the one to the other.
    """

    model: str
    stack: str
    slot: str
    old: str
    new: str
    url: str

    @classmethod
    def plan(cls, aws: Aws, model: ModelSettings, story: Story) -> Swap:
        """Look at what is deployed, once nobody else changes it.

        Raises:
            DeployFailed: somebody does, for more than half an hour.
            SettingsError: the model is not one for Beanstalk.
            NotDeployed: there is no environment yet to swap with.
        """
        if not model.serve.on_beanstalk:
            raise SettingsError(
                f"{model.name} cannot be swapped: its target is {model.serve.target}.",
                why="A swap is between two environments of Elastic Beanstalk.",
                fix="Leave --swap out, or name the models to swap: slipway deploy MODEL --swap",
            )
        stack = stack_name(aws.stage.name, model.name)
        await_settled(aws, stack, story)
        outputs = aws.outputs(model.name)
        if not is_environment(outputs):
            raise NotDeployed(
                f"{model.name} has no environment on {aws.stage.name} to swap with.",
                why="What is deployed there has another target.",
                fix="Deploy it once without --swap.",
            )
        found = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        values = {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])}
        slot = _SLOTS[values.get(SLOT, _SLOTS[0]) == _SLOTS[0]]
        new = f"{environment_name(aws.stage.name, model.name)}-{slot}"
        return cls(model.name, stack, slot, outputs["EnvironmentName"], new, outputs["EnvironmentUrl"])

    def told(self) -> str:
        """Return the steps, for a person."""
        return (
            f"{self.model} is swapped: a second environment {self.new} is made, it answers the golden rows, "
            f"{self.url} goes over to it, and {self.old} goes"
        )

    def check(self, aws: Aws, story: Story) -> None:
        """Make sure that the new environment has the address, and that the old one is gone.

        Raises:
            DeployFailed: it is not so.
        """
        outputs = aws.outputs(self.model)
        if (outputs["EnvironmentName"], outputs["EnvironmentUrl"]) != (self.new, self.url):
            raise DeployFailed(
                f"{self.model} answers at {outputs['EnvironmentUrl']} from {outputs['EnvironmentName']}; "
                f"{self.new} was to answer at {self.url}.",
                fix="Look at: slipway status",
            )
        left = aws.client("elasticbeanstalk").describe_environments(
            ApplicationName=outputs["ApplicationName"], EnvironmentNames=[self.old], IncludeDeleted=False
        )["Environments"]
        if [each for each in left if each["Status"] not in ("Terminating", "Terminated")]:
            story.say(f"{self.old} is still there, and billed: CloudFormation could not take it away")
