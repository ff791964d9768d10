"""Makes an environment the live one, once it is healthy and answers golden rows as training did."""

from __future__ import annotations

import functools
import http.client
import json
import math
import os
import socket
import ssl
import time
import urllib.request
from typing import Any

import botocore.exceptions
import botocore.session

_MAX_REASON = 1000  # CloudFormation takes 4096 bytes for the whole answer
# Together with the patience for health and the drain below the 15 minutes that Lambda gives.
_ROWS_S, _SWAP_S, _PAUSE_S = 90, 120, 5
_LATELY_S = 3600
_PROPERTIES = "aws:elasticbeanstalk:application:environment"
_DENIED = {"AccessDenied", "AccessDeniedException", "InsufficientPrivilegesException"}


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer CloudFormation as a custom resource does, whatever happens: it would wait for an hour."""
    status, reason, data = "SUCCESS", "", {}
    # The public name, which a swap carries along: environments come and go behind it.
    public = event.get("PhysicalResourceId", "none")
    try:
        if event["RequestType"] != "Delete":
            public = _go_live(public, event)
            domain = event["ResourceProperties"].get("DomainName")
            data = {"Cname": public, "EndpointUrl": f"https://{domain}/" if domain else f"http://{public}/"}
    except Exception as error:
        status, reason = "FAILED", f"{type(error).__name__}: {error}"[:_MAX_REASON]
    answer = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": public,
        "Data": data,
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")  # noqa: S310
    request.add_header("Content-Type", "")  # the URL is signed without one
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - CloudFormation's own URL


class NotYet(Exception):
    """It may come right by itself."""


class Unfit(Exception):
    """The environment must not be live."""


def _go_live(public: str, event: dict[str, Any]) -> str:
    properties = event["ResourceProperties"]
    patience_s = float(properties["PatienceSeconds"])
    name, old = properties["EnvironmentName"], event.get("OldResourceProperties", {}).get("EnvironmentName")
    back = event["RequestType"] == "Update" and _patiently(_rolls_back, _ROWS_S, event["StackId"])
    if not back:  # what was live before is no worse than what has just failed
        try:
            address = _patiently(_healthy, patience_s, properties)["EndpointURL"]
            golden = json.loads(properties["Golden"])
            for row, expected in zip(golden["rows"], golden["predictions"], strict=True):
                body = _patiently(_asked, _ROWS_S, address, properties.get("DomainName"), row)
                if golden["compared"]:
                    (answer,) = json.loads(body)
                    if not _same(answer, expected, golden["tolerance"]):
                        raise Unfit(f"{row} is answered with {answer!r}, and training gave {expected!r}.")
        except Exception as error:
            raise Unfit(f"{error} {_events(properties)}") from error
    if old not in (None, name) and _find(properties, old).get("CNAME") == public:
        _patiently(_ready, _SWAP_S, properties, name, old)
        _client().swap_environment_cnames(SourceEnvironmentName=old, DestinationEnvironmentName=name)
        _patiently(_swapped, _SWAP_S, properties, name, old, public)
        time.sleep(float(properties["DrainSeconds"]))  # names in caches still lead to the old one
    return str(_find(properties, name).get("CNAME", public))


def _patiently(do: Any, patience_s: float, *asked: Any) -> Any:
    until = time.monotonic() + patience_s
    while True:
        try:
            return do(*asked)
        # A right that was given a moment ago may not hold yet.
        except (NotYet, OSError, http.client.HTTPException, botocore.exceptions.ClientError):
            if time.monotonic() > until:
                raise
        time.sleep(_PAUSE_S)


@functools.cache
def _client(service: str = "elasticbeanstalk") -> Any:
    return botocore.session.get_session().create_client(service, region_name=os.environ["AWS_REGION"])


def _rolls_back(stack: str) -> bool:
    found = _client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return "ROLLBACK" in found["StackStatus"]


def _find(properties: dict[str, Any], name: str) -> dict[str, Any]:
    found = _client().describe_environments(
        ApplicationName=properties["ApplicationName"], EnvironmentNames=[name], IncludeDeleted=False
    )["Environments"]
    return found[0] if found else {}


def _ready(properties: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    found = [_find(properties, name) for name in names]
    for name, environment in zip(names, found, strict=True):
        if environment.get("Status") != "Ready":
            raise NotYet(f"{name} is {environment.get('Status', 'not there')}.")
    return found


def _healthy(properties: dict[str, Any]) -> dict[str, Any]:
    name, wanted = properties["EnvironmentName"], properties["VersionLabel"]
    (found,) = _ready(properties, name)
    if found.get("VersionLabel") != wanted:  # CloudFormation reports success all the same
        raise Unfit(f"{name} went back to {found.get('VersionLabel')}: {wanted} could not be deployed.")
    told = _told(properties)
    for key, value in _properties_of(properties["OptionSettings"]).items():
        if told.get(key) != value:
            raise Unfit(f"{name} went back to {key} = {told.get(key)}: {value} could not be deployed.")
    if found.get("Health") != "Green":
        raise NotYet(f"{name} is {found.get('Health')} ({found.get('HealthStatus')}).")
    return found


def _told(properties: dict[str, Any]) -> dict[str, str]:
    """Return the environment properties that are in force, or those that are wanted where AWS tells nobody.

    Its reference lets the call fail because of buckets, so that it may need rights that no page names. A
    deploy that is well must not fail for that.
    """
    about = {key: properties[key] for key in ("ApplicationName", "EnvironmentName")}
    try:
        found = _client().describe_configuration_settings(**about)["ConfigurationSettings"]
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in _DENIED:
            raise
        print(f"The properties are not compared: {error}")
        return _properties_of(properties["OptionSettings"])
    return _properties_of([option for settings in found for option in settings["OptionSettings"]])


def _properties_of(options: list[dict[str, str]]) -> dict[str, str]:
    return {o["OptionName"]: o.get("Value", "") for o in options if o["Namespace"] == _PROPERTIES}


def _swapped(properties: dict[str, Any], name: str, old: str, public: str) -> None:
    if _ready(properties, name, old)[0]["CNAME"] != public:
        raise NotYet(f"{public} does not lead to {name} yet.")


def _asked(address: str, domain: str | None, row: list[Any]) -> bytes:
    host = address.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(domain or host, timeout=20)
    if domain:  # its record may lead to the live environment, or to nothing yet
        host, _, port = host.partition(":")
        plain = socket.create_connection((host, int(port or 443)), timeout=20)
        connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=domain)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    connection.request("POST", "/predict", json.dumps([row]), headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        # 500 is the model's own; what stands between says 502 to 504, until it knows of the machines.
        kind = NotYet if answer.status > 500 else Unfit
        raise kind(f"A golden row is answered with {answer.status}: {body[:300].decode(errors='replace')}")
    return body


def _same(answer: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, float) and isinstance(answer, float | int):
        return math.isclose(answer, expected, rel_tol=1e-6, abs_tol=tolerance)
    return type(answer) is type(expected) and answer == expected


def _events(properties: dict[str, Any]) -> str:
    """Return what went wrong of late, as Beanstalk tells it."""
    about = {key: properties[key] for key in ("ApplicationName", "EnvironmentName")}
    late = {"StartTime": time.time() - _LATELY_S, "Severity": "WARN", "MaxRecords": 5}
    told = _client().describe_events(**about, **late)["Events"]
    return " ".join(f"{event['Severity']}: {event['Message']}" for event in reversed(told))
