"""What cannot be in one `[serve]` together: one table, so that synth says it and not a deploy.

Sources: CreateEndpointConfig in the API reference; "Shadow variants" and "Serverless Inference" in the
developer guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from slipway.errors import SettingsError
from stacks.serve_settings import CHAMPION, SHADOW, ServeSection

# A key, and the value that it must not have beside the others.
Hit = tuple[str, Any]
_T = TypeVar("_T")
_SERVERLESS_KEYS = ("memory_mb", "max_concurrency", "provisioned_concurrency")
_SERVERLESS_MEMORY_MB = range(1024, 6145, 1024)


@dataclass(frozen=True)
class Combination(Generic[_T]):
    """One combination that cannot be."""

    found: Callable[[_T], Iterator[Hit]]
    why: str
    fix: str


def require_possible(
    settings: _T, table: Iterable[Combination[_T]], where: str, *, section: str = ""
) -> None:
    """Refuse settings whose keys are right, each by itself, and not together.

    Args:
        settings: the model's, or one section of them.
        table: what cannot be.
        where: the file.
        section: what the table's keys belong to.

    Raises:
        SettingsError: names the key, its value, why not, and what to do.
    """
    for combination in table:
        for key, value in combination.found(settings):
            raise SettingsError(
                f"{where}: {section}{key} = {value!r} is not allowed.",
                why=combination.why,
                fix=combination.fix,
            )


def _names(serve: ServeSection) -> list[str]:
    return [variant.name for variant in serve.variants]


def _shadow(serve: ServeSection) -> bool:
    return SHADOW in _names(serve)


def _duplicates(serve: ServeSection) -> Iterator[Hit]:
    names = _names(serve)
    for index, name in enumerate(names):
        if name in names[:index]:
            yield f"variants[{index}].name", name


def _no_champion(serve: ServeSection) -> Iterator[Hit]:
    if serve.variants and CHAMPION not in _names(serve):
        yield "variants", _names(serve)


def _several_serverless(serve: ServeSection) -> Iterator[Hit]:
    if serve.serverless and len(serve.variants) > 1:
        yield "variants", _names(serve)


def _machines_of_serverless(serve: ServeSection) -> Iterator[Hit]:
    sections = [("", serve), *((f"variants[{i}].", variant) for i, variant in enumerate(serve.variants))]
    for prefix, section in sections:
        for key in ("instance_type", "instance_count"):
            if serve.serverless and key in section.model_fields_set:
                yield f"{prefix}{key}", getattr(section, key)


def _serverless_keys_elsewhere(serve: ServeSection) -> Iterator[Hit]:
    for key in _SERVERLESS_KEYS:
        if serve.on_sagemaker and not serve.serverless and key in serve.model_fields_set:
            yield key, getattr(serve, key)


def _no_such_size(serve: ServeSection) -> Iterator[Hit]:
    if serve.serverless and serve.resolved_memory_mb not in _SERVERLESS_MEMORY_MB:
        yield "memory_mb", serve.memory_mb


def _too_much_provisioned(serve: ServeSection) -> Iterator[Hit]:
    if serve.serverless and (serve.provisioned_concurrency or 0) > serve.max_concurrency:
        yield "provisioned_concurrency", serve.provisioned_concurrency


def _shadow_beside_several(serve: ServeSection) -> Iterator[Hit]:
    if _shadow(serve) and len(serve.variants) > 2:
        yield "variants", _names(serve)


def _no_traffic(serve: ServeSection) -> Iterator[Hit]:
    weights = {v.name: v.weight for v in serve.resolved_variants() if not v.is_shadow}
    if not any(weights.values()):
        yield "variants", weights


def _more_copies_than_requests(serve: ServeSection) -> Iterator[Hit]:
    weights = {variant.name: variant.weight for variant in serve.resolved_variants()}
    if weights.get(SHADOW, 0) > weights[CHAMPION]:
        yield f"variants[{_names(serve).index(SHADOW)}].weight", weights[SHADOW]


def _base_of_no_image(serve: ServeSection) -> Iterator[Hit]:
    if serve.on_sagemaker and serve.image != "own" and "base_image" in serve.model_fields_set:
        yield "base_image", serve.base_image


def _objects_for_no_server(serve: ServeSection) -> Iterator[Hit]:
    if serve.on_sagemaker and serve.image != "own" and serve.s3_prefixes:
        yield "s3_prefixes", list(serve.s3_prefixes)


# In order: the later ones may rely on what the earlier ones refuse.
COMBINATIONS: tuple[Combination[ServeSection], ...] = (
    Combination(
        _duplicates,
        "A name is a role, and an endpoint has one variant of each.",
        "Remove one of the two, or call it challenger or shadow.",
    ),
    Combination(
        _no_champion,
        "Every endpoint has a champion: requests that name no variant, alarms and outputs rest on it.",
        'Call one of them "champion".',
    ),
    Combination(
        _several_serverless,
        "A serverless endpoint has one production variant, and no shadow.",
        'Set target = "sagemaker", or remove [[serve.variants]] (for one command: variants=[]).',
    ),
    Combination(
        _machines_of_serverless,
        "A serverless endpoint has no machines of its own to choose.",
        "Remove it, and set memory_mb and max_concurrency instead.",
    ),
    Combination(
        _serverless_keys_elsewhere,
        "It is a size of what AWS runs on demand; other endpoints have instance_type and instance_count.",
        'Set target = "sagemaker-serverless", or remove it.',
    ),
    Combination(
        _too_much_provisioned,
        "What is kept warm is a part of max_concurrency.",
        "Set max_concurrency to the same or more.",
    ),
    Combination(
        _shadow_beside_several,
        "AWS allows a shadow beside exactly one production variant, the champion.",
        "Remove the challenger, or the shadow.",
    ),
    Combination(
        _no_traffic,
        "With all weights 0, no variant would get a request.",
        "Give the champion a weight above 0.",
    ),
    Combination(
        _more_copies_than_requests,
        "A shadow's weight over the champion's is the share of requests that are copied: 1 at the most.",
        "Leave its weight out to copy every request, or set less than the champion's.",
    ),
    Combination(
        _base_of_no_image,
        'AWS\'s prebuilt image is used as it is; only image = "own" starts from another one.',
        'Set image = "own", or remove it.',
    ),
    Combination(
        _objects_for_no_server,
        "AWS's prebuilt image takes the rows in the request only.",
        'Set image = "own", or remove it.',
    ),
    Combination(
        _no_such_size,
        "A serverless endpoint has 1024, 2048, 3072, 4096, 5120 or 6144 MB.",
        "Set one of these.",
    ),
)
