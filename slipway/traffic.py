"""How an endpoint's requests are shared among its variants: read it, change it, and write it down."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from slipway.aws import Aws
from slipway.errors import DeployFailed, NotDeployed, SettingsError

_POLL_S = 0.2
_POLL_AWS_S = 5.0
_TIMEOUT_S = 900.0


def shares(aws: Aws, endpoint: str) -> dict[str, float]:
    """Return each production variant's share of the requests, 0 to 1.

    Raises:
        NotDeployed: the endpoint has no variants, since it never came into service.
    """
    found = aws.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    weights = {
        variant["VariantName"]: float(variant.get("CurrentWeight", 1.0))
        for variant in found.get("ProductionVariants", [])
    }
    total = sum(weights.values())
    if not total:
        raise NotDeployed(
            f"{endpoint} is {found['EndpointStatus']} and serves nothing.", fix="Look at: slipway status"
        )
    return {name: weight / total for name, weight in weights.items()}


def move(aws: Aws, endpoint: str, weights: Mapping[str, float]) -> None:
    """Give each variant a new weight, and wait until it is in force.

    No machine is started or stopped, and the endpoint's configuration stays as it is.

    Raises:
        DeployFailed: the endpoint did not get there.
    """
    sagemaker = aws.client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[
            {"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()
        ],
    )
    deadline = time.monotonic() + _TIMEOUT_S
    while (found := sagemaker.describe_endpoint(EndpointName=endpoint))["EndpointStatus"] == "Updating":
        if time.monotonic() > deadline:
            raise DeployFailed(f"{endpoint} is still updating after {_TIMEOUT_S:.0f} s.")
        time.sleep(_POLL_S if aws.endpoint_url else _POLL_AWS_S)
    if found["EndpointStatus"] != "InService":
        raise DeployFailed(
            f"{endpoint} is {found['EndpointStatus']}.", why=str(found.get("FailureReason", ""))
        )


def split(names: Mapping[str, float], champion: float | None, challenger: float | None) -> dict[str, float]:
    """Return the weights for a share of one variant, in percent; the other gets the rest.

    Raises:
        SettingsError: there are no two variants to share between, or the shares are not 100 in all.
    """
    if set(names) != {"champion", "challenger"}:
        raise SettingsError(
            f"There is no traffic to share: the endpoint has {', '.join(names)}.",
            why="A share is between a champion and a challenger; a shadow gets copies.",
            fix="Add a [[serve.variants]] named challenger to model.toml and deploy.",
        )
    if champion is None and challenger is not None:
        champion = 100 - challenger
    elif challenger is None and champion is not None:
        challenger = 100 - champion
    assert champion is not None and challenger is not None  # noqa: S101 - the caller gives one
    if abs(champion + challenger - 100) > 1e-9:
        raise SettingsError(
            f"{champion:g} % and {challenger:g} % are not 100 %.", fix="Give one of them; the other follows."
        )
    return {"champion": champion, "challenger": challenger}


def write_down(path: Path, weights: Mapping[str, float]) -> bool:
    """Set the weights in a model.toml, its comments and order kept; False if it has no such variants.

    The next deploy would put back what model.toml says.
    """
    document: Any = tomlkit.parse(path.read_text(encoding="utf-8"))
    variants = document.get("serve", {}).get("variants", [])
    found = {variant.get("name"): variant for variant in variants}
    if not set(weights) <= set(found):
        return False
    for name, weight in weights.items():
        found[name]["weight"] = int(weight) if float(weight).is_integer() else weight
    staging = path.with_suffix(".new")
    staging.write_text(tomlkit.dumps(document), encoding="utf-8")
    staging.replace(path)
    return True
