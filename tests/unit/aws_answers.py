"""AWS with the answers that a test gives it, and a model on Elastic Beanstalk to ask it about."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from botocore.exceptions import ClientError

from stacks.settings import ModelSettings, load_model, load_stage

ROOT = Path(__file__).parents[2]
CNAME = "slipway.eba-abc.eu-west-1.elasticbeanstalk.com"
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"
OUTPUTS = {
    "ModelVersion": "a" * 12,
    "ApplicationName": "slipway-dev-iris-forest",
    "EnvironmentName": "slipway-dev-iris-forest-blue",
    "EnvironmentUrl": f"http://{CNAME}/",
    "EnvironmentCname": CNAME,
}


class Answers:
    """AWS's clients, whose calls answer what is given: by the call's name, once each or for ever."""

    def __init__(self, stage: str = "dev", outputs: dict[str, str] | None = None, **answers: object) -> None:
        self.stage = load_stage(ROOT, stage)
        self.session = SimpleNamespace(region_name="eu-west-1")
        self.endpoint_url = "http://127.0.0.1/"  # asked often, as on this machine
        self.asked: list[tuple[str, dict[str, object]]] = []
        self._answers, self._outputs = answers, OUTPUTS if outputs is None else outputs

    def outputs(self, _model: str | None = None) -> dict[str, str]:
        return self._outputs

    def client(self, _service: str) -> Answers:
        return self

    def get_paginator(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(paginate=lambda **asked: [getattr(self, name)(**asked)])

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)

        def call(**asked: object) -> object:
            self.asked.append((name, asked))
            answer = self._answers[name]
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def model(**serve: object) -> ModelSettings:
    return load_model(ROOT, "iris_forest", {f"serve.{key}": value for key, value in serve.items()})


def secured() -> ModelSettings:
    return model(certificate_arn=CERTIFICATE, domain_name="forest.example.com")


def refused(code: str = "InvalidParameterValue") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Call")
