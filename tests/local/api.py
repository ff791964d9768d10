"""REST APIs for tests: a template of the kind that CDK makes, deployed, and requests to it over real HTTP."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localaws.control import ACCOUNT, REGION
from tests.local.conftest import Boto

STAGE = "local"
Resources = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    """One answer; the names of its headers are as they came."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Api:
    """An API by the address that its stack's output gave."""

    url: str
    keys: tuple[str, str] = (ACCOUNT, "local")
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return urlsplit(self.url).path.split("/")[2]

    def send(
        self, method: str, path: str = "", body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None, *, timeout: float = 60,
    ) -> Answer:  # fmt: skip
        """Send one request as it stands."""
        url = urlsplit(self.url + path)
        connection = http.client.HTTPConnection("127.0.0.1", url.port or 80, timeout=timeout)
        target = url.path + (f"?{url.query}" if url.query else "")
        try:
            connection.request(method, target, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def sign(
        self, method: str, path: str, body: bytes | str | None, keys: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, str]:  # fmt: skip
        """Return the headers of a request that botocore signed for execute-api."""
        request = AWSRequest(method, self.url + path, data=body, headers=dict(headers or {}))
        SigV4Auth(Credentials(*(keys or self.keys)), "execute-api", REGION).add_auth(request)
        return dict(request.headers.items())

    def signed(
        self, method: str, path: str = "", body: bytes | str | None = None,
        keys: tuple[str, str] | None = None, headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Sign one request and send it."""
        return self.send(method, path, body, self.sign(method, path, body, keys, headers))


def function(code: str, **properties: Any) -> Resources:
    """A role and an inline function `Function`, which the API may call."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"ZipFile": code}, "Handler": "index.handler", "Runtime": "python3.13",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Timeout": 10, **properties,
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction", "FunctionName": {"Ref": "Function"},
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {"Fn::Sub": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:${{Api}}/*"},
            },
        },
    }  # fmt: skip


def proxy(**properties: Any) -> dict[str, Any]:
    """A Lambda proxy integration of `Function`."""
    arn = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"
    return {
        "Type": "AWS_PROXY",
        "IntegrationHttpMethod": "POST",
        "Uri": {"Fn::Sub": arn},
        **properties,
    }


def method(path: str, verb: str, integration: dict[str, Any], **properties: Any) -> Resources:
    """A method, and the resource of its path where that is not the root."""
    name = (path or "Root").replace("{", "").replace("}", "").replace("+", "").title()
    parent = {"Ref": f"Path{name}"} if path else {"Fn::GetAtt": ["Api", "RootResourceId"]}
    found: Resources = {
        f"{name}{verb.title()}": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": {"Ref": "Api"}, "ResourceId": parent, "HttpMethod": verb,
                "AuthorizationType": "NONE", "Integration": integration, **properties,
            },
        },
    }  # fmt: skip
    if path:
        root = {"Fn::GetAtt": ["Api", "RootResourceId"]}
        found[f"Path{name}"] = {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {"RestApiId": {"Ref": "Api"}, "ParentId": root, "PathPart": path},
        }
    return found


def template(
    *parts: Resources, stage: Mapping[str, Any] | None = None, deployment: str = "One", **api: Any
) -> dict[str, Any]:
    """A stack of the parts, an API, a deployment that waits for them all, and a stage."""
    resources: Resources = {name: body for part in parts for name, body in part.items()}
    waits = [name for name, body in resources.items() if body["Type"] in _DEPLOYED]
    resources["Api"] = {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "test-api", **api}}
    resources[f"Deployment{deployment}"] = {
        "Type": "AWS::ApiGateway::Deployment",
        "Properties": {"RestApiId": {"Ref": "Api"}},
        "DependsOn": waits,
    }
    resources["Stage"] = {
        "Type": "AWS::ApiGateway::Stage",
        "Properties": {
            "RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": f"Deployment{deployment}"},
            "StageName": STAGE, **(stage or {}),
        },
    }  # fmt: skip
    suffix = [".execute-api.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}, "/"]
    url = {"Fn::Join": ["", ["https://", {"Ref": "Api"}, *suffix, {"Ref": "Stage"}, "/"]]}
    resources["Parameter"] = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": {"Fn::Sub": "/${AWS::StackName}/ApiUrl"}, "Type": "String", "Value": url},
    }
    return {"Resources": resources, "Outputs": {"ApiUrl": {"Value": url}}}


_DEPLOYED = {
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Resource",
    "AWS::ApiGateway::Model",
    "AWS::ApiGateway::GatewayResponse",
    "AWS::ApiGateway::RequestValidator",
}


def deploy(boto: Boto, name: str, body: Mapping[str, Any]) -> Api:
    """Create or update the stack, and return its API."""
    cloudformation = boto("cloudformation")
    arguments = {"StackName": name, "TemplateBody": json.dumps(body), "Capabilities": ["CAPABILITY_IAM"]}
    try:
        cloudformation.create_stack(**arguments)
    except cloudformation.exceptions.AlreadyExistsException:
        cloudformation.update_stack(**arguments)
    stack = wait(boto, name)
    assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), reasons(boto, name)
    outputs = {entry["OutputKey"]: entry["OutputValue"] for entry in stack.get("Outputs", [])}
    return Api(outputs["ApiUrl"], outputs=outputs)


def wait(boto: Boto, name: str) -> dict[str, Any]:
    """Return the stack once nothing of it is in progress."""
    deadline = time.monotonic() + 60
    while True:
        stack: dict[str, Any] = boto("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack
        assert time.monotonic() < deadline
        time.sleep(0.05)


def reasons(boto: Boto, name: str) -> list[str]:
    """Return why resources of the stack failed."""
    events = boto("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
        for event in events
        if "FAILED" in event["ResourceStatus"]
    ]


def destroy(boto: Boto, name: str) -> None:
    """Delete the stack and wait for it."""
    cloudformation = boto("cloudformation")
    identifier = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=name)
    assert wait(boto, identifier)["StackStatus"] == "DELETE_COMPLETE"
