"""The client of one deployed model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import boto3
import botocore.exceptions
from botocore.config import Config

from client.api_door import ApiDoor
from client.doors import Answer, Door, SageMakerDoor
from client.environment_door import EnvironmentDoor
from client.errors import AccessDenied, EndpointNotFound, Unavailable
from client.wire import Prediction, Row, SlipwayWire, Wire, wire_of

# Predicting twice does no harm, so whatever may pass is tried again, with a cap and jitter.
# SSM gives ten parameters at most in one call.
_OUTPUTS = (
    *("ModelVersion", "WireFormat", "EndpointName", "ApiUrl", "ApiAuth", "ApiKeyId"),
    *("EnvironmentUrl", "EnvironmentCname"),
)
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5, read_timeout=70)


class Client:
    """Asks one model for predictions.

    Args:
        model: the model's name, as in `model_code/<model>/`.
        door: the way in.
        version: the artifact that was deployed, 12 hex digits.
        wire: how its image wants rows; default: as our runtime does.
    """

    def __init__(self, model: str, door: Door, version: str, wire: Wire | None = None) -> None:
        self.model, self.door, self.version = model, door, version
        self.wire = wire or SlipwayWire()

    @classmethod
    def from_outputs(
        cls,
        model: str,
        stage: str = "dev",
        *,
        file: Path | None = None,
        session: boto3.Session | None = None,
        endpoint_url: str | None = None,
        door: Literal["sagemaker", "api"] | None = None,
        api_key: str | None = None,
        by_cname: bool = False,
    ) -> Client:
        """Find a model by the outputs of its stack, and take its door.

        Args:
            model: the model's name.
            stage: `local`, `dev` or `prod`. `local` needs the variables that `slipway env` prints.
            file: the `outputs.json` that `slipway deploy` writes; default: SSM parameters.
            session: a boto3 session; default: the environment's credentials and region.
            endpoint_url: where AWS is; default: AWS, or the variable AWS_ENDPOINT_URL.
            door: where an endpoint has an API as well: SageMaker Runtime (the default) or the API.
            api_key: for an API that wants one; default: it is asked of API Gateway (`apigateway:GET`).
            by_cname: reach an environment with a certificate by its CNAME, while the domain has no DNS record
                yet; the certificate is verified for the domain all the same.

        Raises:
            EndpointNotFound: the model is not deployed on that stage, or has no such door.
            AccessDenied: the parameters, or the key, may not be read.
        """
        session = session or boto3.Session()
        if file is not None:
            outputs = _outputs_of_file(file, model, stage)
        else:
            outputs = _outputs_of_parameters(session.client("ssm", endpoint_url=endpoint_url), model, stage)
        wire = wire_of(outputs.get("WireFormat"))
        missing = {"sagemaker": "EndpointName", "api": "ApiUrl"}.get(door or "", "ModelVersion")
        if missing not in outputs:
            raise EndpointNotFound(f"{model} on {stage} has no output {missing}, so not that door")
        if door != "api" and "EndpointName" in outputs:
            runtime = session.client("sagemaker-runtime", endpoint_url=endpoint_url, config=_CONFIG)
            return cls(model, SageMakerDoor(runtime, outputs["EndpointName"]), outputs["ModelVersion"], wire)
        if "EnvironmentUrl" in outputs:
            place = outputs["EnvironmentCname"] if by_cname else None
            environment = EnvironmentDoor(outputs["EnvironmentUrl"], connect_to=place)
            return cls(model, environment, outputs["ModelVersion"], wire)
        return cls(model, _api_door(outputs, session, endpoint_url, api_key), outputs["ModelVersion"], wire)

    def predict(self, rows: Sequence[Row]) -> list[Prediction]:
        """Predict rows.

        Args:
            rows: lists in the signature's order, or mappings by feature name; not mixed.

        Returns:
            One prediction for each row, in order.

        Raises:
            RequestRefused: a row is wrong; it names row and column.
            ModelFailed, EndpointNotFound, AccessDenied, Unavailable: see their docstrings.
        """
        content_type = self.wire.content_type
        return self.wire.decode(self.invoke(self.wire.encode(rows), content_type, content_type))

    def invoke(self, body: bytes, content_type: str, accept: str = "application/json") -> bytes:
        """Send a body as it is and return the answer's."""
        return self.answer(body, content_type, accept).content

    def answer(
        self,
        body: bytes,
        content_type: str,
        accept: str = "application/json",
        *,
        variant: str | None = None,
    ) -> Answer:
        """Send a body as it is and return the answer, with the variant and version that gave it.

        Args:
            body: what is sent.
            content_type: its media type.
            accept: the answer's.
            variant: ask this production variant, whatever its weight; default: by the weights.
        """
        return self.door.invoke(body, content_type, accept, variant)


def _outputs_of_file(file: Path, model: str, stage: str) -> Mapping[str, str]:
    stack = f"slipway-{stage}-{model.replace('_', '-')}"
    try:
        outputs: Mapping[str, str] = json.loads(file.read_text(encoding="utf-8"))[stack]
        return outputs
    except FileNotFoundError:
        raise EndpointNotFound(f"{file.name} is not there; `slipway deploy {model}` writes it") from None
    except KeyError:
        raise EndpointNotFound(f"{file.name} has no stack {stack}") from None


def _outputs_of_parameters(ssm: Any, model: str, stage: str) -> Mapping[str, str]:
    path = f"/slipway/{stage}/{model}/"
    try:
        found = ssm.get_parameters(Names=[path + name for name in _OUTPUTS])["Parameters"]
    except botocore.exceptions.ClientError as error:
        raise AccessDenied(f"the parameters under {path} cannot be read: {error}") from error
    except botocore.exceptions.BotoCoreError as error:
        raise Unavailable(f"the parameters under {path} cannot be read: {error}") from error
    outputs = {parameter["Name"].removeprefix(path): parameter["Value"] for parameter in found}
    if "ModelVersion" not in outputs:
        raise EndpointNotFound(f"{model} is not deployed on {stage}: no parameters under {path}")
    return outputs


def _api_door(
    outputs: Mapping[str, str], session: boto3.Session, endpoint_url: str | None, key: str | None
) -> ApiDoor:
    url, auth = outputs["ApiUrl"], outputs["ApiAuth"]
    if auth == "iam":
        return ApiDoor(url, credentials=session.get_credentials(), region=session.region_name)
    if auth == "api_key":
        return ApiDoor(url, key=key or _key(session.client("apigateway", endpoint_url=endpoint_url), outputs))
    return ApiDoor(url)


def _key(apigateway: Any, outputs: Mapping[str, str]) -> str:
    try:
        return str(apigateway.get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"])
    except botocore.exceptions.ClientError as error:
        raise AccessDenied(f"the API's key cannot be read: {error}. Give it as api_key=") from error
    except botocore.exceptions.BotoCoreError as error:
        raise Unavailable(f"the API's key cannot be read: {error}") from error
