"""Where ministack differs from AWS in ways that a deployment meets: one function a difference."""

import json
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, lambda_runtime
from ministack.services import cloudwatch_logs, ecr, iam, s3
from ministack.services.cloudformation import provisioners

from localaws.ministack_plugin.scope import current

_AUTO_DELETE_TAG = "aws-cdk:auto-delete-objects"


def apply() -> None:
    """Apply all of them."""
    _treat_loopback_as_secure()
    _name_resources_exactly()
    _report_missing_ecr_images()
    _keep_non_empty_buckets()
    _tag_buckets()
    _empty_buckets_natively()
    _refer_to_instance_profiles_by_name()
    _filter_log_streams_by_prefix()
    _end_functions_processes()


def _treat_loopback_as_secure() -> None:
    """Bucket policies deny plain HTTP, CDK's bootstrap bucket among them.

    Loopback cannot be listened in on.
    """
    original = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _secure: original(source_ip, True)


def _name_resources_exactly() -> None:
    """Check a right against the resource that AWS checks it against.

    ecr:DescribeRepositories acts on the repositories it names: unnamed, a role limited to one is refused.
    Log streams are resources of their own: a role may write to `log-group:NAME:*`, and a policy without `:*`
    grants nothing. To list log groups acts on all of them: AWS names one without a name.
    """
    original = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any,
        region: str, account_id: str,
    ) -> Any:  # fmt: skip
        found = original(service, method, path, headers, body, query, region, account_id)
        if service == "ecr" and found == "*":
            names = _json(body).get("repositoryNames") or []
            if len(names) == 1:
                return f"arn:aws:ecr:{region}:{account_id}:repository/{names[0]}"
        if service == "logs" and found == "*":
            return f"arn:aws:logs:{region}:{account_id}:log-group::log-stream:"
        if service == "logs" and (stream := _json(body).get("logStreamName")):
            return f"{found}:log-stream:{stream}"
        return found

    iam_actions.extract_resource_arn = extract_resource_arn


def _report_missing_ecr_images() -> None:
    """An unknown tag is an error on AWS; with an empty list instead, CDK takes the image for pushed.

    An image's size is that of its layers; ministack says the manifest's.
    """
    original = ecr._describe_images

    def describe_images(data: dict[str, Any]) -> Any:
        name = data.get("repositoryName", "")
        for image in data.get("imageIds") or []:
            if name in ecr._repositories and not ecr._find_image(name, image):
                text = (
                    f"The image with imageId {image} does not exist within the repository with name '{name}'"
                )
                return (
                    400,
                    {"Content-Type": "application/x-amz-json-1.1"},
                    json.dumps({"__type": "ImageNotFoundException", "message": text}).encode(),
                )
        return _with_sizes(original(data), name)

    # The name is looked up when a request comes, so that a new function behind it is enough.
    ecr._describe_images = describe_images


def _with_sizes(answer: tuple[int, Any, bytes], repository: str) -> tuple[int, Any, bytes]:
    status, headers, body = answer
    told = json.loads(body)
    for image in told.get("imageDetails", []):
        found = ecr._find_image(repository, {"imageDigest": image["imageDigest"]}) or {}
        manifest = _json(str(found.get("imageManifest", "")).encode())
        if layers := manifest.get("layers"):
            image["imageSizeInBytes"] = sum(layer["size"] for layer in (manifest["config"], *layers))
    return status, headers, json.dumps(told).encode()


def _filter_log_streams_by_prefix() -> None:
    """FilterLogEvents takes the streams of a prefix, which is how the log of one job is read."""
    original = cloudwatch_logs._filter_log_events

    def filter_log_events(data: dict[str, Any]) -> Any:
        prefix = data.get("logStreamNamePrefix")
        group = cloudwatch_logs._log_groups.get(cloudwatch_logs._resolve_log_group_name(data))
        if not prefix or not group:
            return original(data)
        names = [name for name in list(group["streams"]) if name.startswith(prefix)]
        return original({**data, "logStreamNames": names or [prefix]})  # no name at all would be every stream

    cloudwatch_logs._filter_log_events = filter_log_events


def _keep_non_empty_buckets() -> None:
    """A stack cannot delete a bucket with something in it, nor what its versions are."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    original = handler["delete"]

    def delete(name: str, props: dict[str, Any]) -> None:
        if _objects(name):
            raise ValueError(
                f'Resource handler returned message: "The bucket you tried to delete is not empty '
                f'(Service: S3, Status Code: 409, BucketName: {name})" (HandlerErrorCode: '
                f"GeneralServiceException)"
            )
        original(name, props)

    handler["delete"] = delete


def _tag_buckets() -> None:
    """Tags of a bucket in a template are set on the bucket; CDK's own clean-up asks for one."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    create, update = handler["create"], handler["update"]

    def tagged(result: Any, props: dict[str, Any]) -> Any:
        s3._bucket_tags[result[0]] = {tag["Key"]: tag["Value"] for tag in props.get("Tags") or []}
        return result

    handler["create"] = lambda logical_id, props, stack: tagged(create(logical_id, props, stack), props)
    handler["update"] = lambda pid, old, new, stack: tagged(update(pid, old, new, stack), new)


def _empty_buckets_natively() -> None:
    """`auto_delete_objects` is a Node function with AWS's SDK, which its runtime holds and this machine need
    not.

    The function itself deploys and goes as any other; only what it would do is done here. Like it, this
    empties a bucket when the custom resource goes, and only one that still carries the tag.
    """

    def create(logical_id: str, props: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
        return f"{props['BucketName']}-{logical_id}", {}

    def update(physical_id: str, _old: object, _new: object, _stack: str) -> tuple[str, dict[str, Any]]:
        return physical_id, {}

    def delete(_physical_id: str, props: dict[str, Any]) -> None:
        name = props["BucketName"]
        if (s3._bucket_tags.get(name) or {}).get(_AUTO_DELETE_TAG) == "true":
            _empty(name)

    handlers: dict[str, Callable[..., Any]] = {"create": create, "update": update, "delete": delete}
    provisioners._RESOURCE_HANDLERS["Custom::S3AutoDeleteObjects"] = handlers


def _refer_to_instance_profiles_by_name() -> None:
    """`Ref` of an instance profile is its name; ministack keeps the ARN as its physical id."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::IAM::InstanceProfile"]
    create, update, delete = handler["create"], handler["update"], handler["delete"]

    def arn(name: str) -> str:
        return str((iam._instance_profiles.get(name) or {}).get("Arn", name))

    def by_name(result: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
        return result[0].rpartition("/")[2], result[1]

    handler["create"] = lambda *arguments: by_name(create(*arguments))
    handler["update"] = lambda name, *arguments: by_name(update(arn(name), *arguments))
    handler["delete"] = lambda name, props: delete(arn(name), props)


def _end_functions_processes() -> None:
    """A function's process ends with it; where a stack deletes the function, ministack leaves it waiting."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    original = handler["delete"]

    def delete(name: str, props: dict[str, Any]) -> None:
        original(name, props)
        here = current()
        lambda_runtime.invalidate_worker(name, account=here.account, region=here.region)

    handler["delete"] = delete


def _objects(bucket: str) -> list[Any]:
    current = list((s3._buckets.get(bucket) or {}).get("objects", {}))
    versions = [key for (owner, key), kept in s3._object_versions.items() if owner == bucket and kept]
    return current + versions


def _empty(bucket: str) -> None:
    (s3._buckets.get(bucket) or {}).get("objects", {}).clear()
    for owner, key in [entry for entry in s3._object_versions if entry[0] == bucket]:
        s3._object_versions.pop((owner, key), None)


def _json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
