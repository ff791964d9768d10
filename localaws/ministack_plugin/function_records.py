"""From ministack's records of functions to what this package runs."""

from collections.abc import Mapping
from typing import Any

from ministack.services import lambda_svc

from localaws.lambda_functions.function import Archive, Function, Image, Logging
from localaws.lambda_functions.package import requirements_of
from localaws.ministack_plugin.scope import acting_in
from localaws.ports import Scope

Record = Mapping[str, Any]


def scope_of(config: Record) -> Scope:
    """Return where a function lives."""
    return Scope(*lambda_svc._account_region_from_function_config(config))


def qualifier_of(config: Record) -> str:
    """Return the alias or version that was asked for, or ""."""
    return ":".join(str(config.get("FunctionArn", "")).split(":")[7:])


def function_of(record: Record, config: Record) -> Function | None:
    """Return what runs here, or None for what ministack's workers run.

    Here run images, and zip files with a layer that says what it was made from.
    """
    is_image = config.get("PackageType") == "Image"
    content = None if is_image else record.get("code_zip")
    layers = () if is_image else _layers(config)
    if not is_image and (not content or not any(requirements_of(layer) for layer in layers)):
        return None
    logging = config.get("LoggingConfig") or {}
    return Function(
        scope=scope_of(config),
        name=config["FunctionName"],
        version=config.get("Version") or "$LATEST",
        role_arn=config["Role"],
        memory_mb=int(config.get("MemorySize") or 128),
        timeout_s=int(config.get("Timeout") or 3),
        variables=tuple(sorted(((config.get("Environment") or {}).get("Variables") or {}).items())),
        logging=Logging(
            group=logging.get("LogGroup") or f"/aws/lambda/{config['FunctionName']}",
            form=logging.get("LogFormat") or "Text",
            level=logging.get("ApplicationLogLevel") or "",
        ),
        handler="" if is_image else config["Handler"],
        runtime="" if is_image else config["Runtime"],
        code=Archive(config["CodeSha256"], content) if content else None,
        layers=layers,
        image=_image(config) if is_image else None,
        architecture=(config.get("Architectures") or ["x86_64"])[0],
        snap_start=(config.get("SnapStart") or {}).get("OptimizationStatus") == "On",
    )


def latest(name: str) -> tuple[Record, Record] | None:
    """Return a function's record and its present configuration."""
    record = lambda_svc._functions.get(name)
    return (record, record["config"]) if record else None


def _image(config: Record) -> Image:
    own = (config.get("ImageConfigResponse") or {}).get("ImageConfig") or {}
    return Image(
        uri=str(config.get("ImageUri", "")),
        entry_point=tuple(own.get("EntryPoint") or ()),
        command=tuple(own.get("Command") or ()),
        working_directory=own.get("WorkingDirectory") or "",
    )


def _layers(config: Record) -> tuple[Archive, ...]:
    found = []
    with acting_in(scope_of(config)):
        for attached in config.get("Layers") or []:
            arn = attached["Arn"] if isinstance(attached, dict) else attached
            _, _, _, region, account, _, name, number = arn.split(":")
            version, _ = lambda_svc._find_layer_version(
                name, int(number), account, region, include_deleted=True
            )
            if version and version.get("_zip_data"):
                found.append(Archive(version["Content"]["CodeSha256"], version["_zip_data"]))
    return tuple(found)
