"""What an environment on Elastic Beanstalk costs by the month: AWS's list prices, looked at on a date.

They are prices of us-east-1 in USD, on demand and for Linux, without taxes and data transfer; other regions
differ. Beanstalk itself costs nothing.
"""

from __future__ import annotations

from slipway.prices import LOOKED_AT
from stacks.beanstalk_combinations import Placed
from stacks.settings import ModelSettings, StageSettings

# Each with the page that it is on.
PAGES = ("Amazon EC2 On-Demand pricing", "Elastic Load Balancing pricing", "Amazon EBS pricing")
MONTH_H = 730
# USD an hour for the sizes that a model is likely to be served on.
_HOURLY = {
    "t3.micro": 0.0104,
    "t3.small": 0.0208,
    "t3.medium": 0.0416,
    "t3.large": 0.0832,
    "t3.xlarge": 0.1664,
    "t3.2xlarge": 0.3328,
    "t3a.small": 0.0188,
    "t3a.medium": 0.0376,
    "t3a.large": 0.0752,
    "m6i.large": 0.096,
    "m6i.xlarge": 0.192,
    "m6i.2xlarge": 0.384,
    "m7i.large": 0.1008,
    "m7i.xlarge": 0.2016,
    "m7i.2xlarge": 0.4032,
    "c7i.large": 0.08925,
    "c7i.xlarge": 0.1785,
    "c7i.2xlarge": 0.357,
}
_BALANCER_H = 0.0225
# For each unit of use: 25 new connections a second, 3000 open ones, or 1 GB an hour.
_UNIT_H = 0.008
_PUBLIC_ADDRESS_H = 0.005
# An Application Load Balancer on the internet has an address in each of its zones, two at least.
_ZONES = 2
_DISK_GB, _DISK_GB_MONTH = 16, 0.08  # RootVolumeSize of environment_options.py, as gp3


def monthly(model: ModelSettings, stage: StageSettings) -> dict[str, float]:
    """Return USD a month by what is billed, with as few machines as there may be.

    A machine that is not in the table is left out.
    """
    placed, serve = Placed(stage, model.serve), model.serve
    count, kind = placed.min_count, serve.ec2_instance_types[0]
    found = {}
    if kind in _HOURLY:
        found[f"{count} x {kind}"] = count * MONTH_H * _HOURLY[kind]
    found["disks"] = count * _DISK_GB * _DISK_GB_MONTH
    # A single machine stands in a public subnet, and so do several in the account's default VPC.
    addresses = 0 if stage.load_balanced and serve.vpc_id else count
    if stage.load_balanced:
        found["load balancer"] = MONTH_H * _BALANCER_H
        addresses += 0 if serve.internal else _ZONES
    if addresses:
        found[f"{addresses} public addresses" if addresses > 1 else "a public address"] = (
            addresses * MONTH_H * _PUBLIC_ADDRESS_H
        )
    return found


def told(model: ModelSettings, stage: StageSettings) -> list[str]:
    """Return the cost as lines for a person, the estimate's assumptions and source in the last."""
    found = monthly(model, stage)
    kind = model.serve.ec2_instance_types[0]
    parts = ", ".join(f"{name} {usd:.2f}" for name, usd in found.items())
    # Here it costs nothing: the figure is what the stage's own settings would.
    where = " on AWS" if stage.name == "local" else ""
    lines = [f"about {sum(found.values()):.0f} USD a month{where}, used or not: {parts}"]
    if kind not in _HOURLY:
        lines.append(f"and the machines, whose price is not known here: Amazon EC2 On-Demand pricing, {kind}")
    placed = Placed(stage, model.serve)
    if stage.load_balanced:
        lines.append(
            f"under load up to {placed.max_count} machines, and {MONTH_H * _UNIT_H:.2f} more for each GB an "
            "hour through the load balancer; during a deploy more machines for some minutes"
        )
    source = f"list prices of us-east-1, {LOOKED_AT}: {', '.join(PAGES)}"
    return [*lines, f"({source}; logs and traffic are billed, too)"]
