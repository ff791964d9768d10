"""The endpoints of one account and region."""

from collections.abc import Mapping
from typing import Any

from localaws.ports import Scope
from localaws.sagemaker import names
from localaws.sagemaker.endpoint import Endpoint
from localaws.sagemaker.endpoint_configs import EndpointConfig, EndpointConfigs
from localaws.sagemaker.errors import already_exists, not_found, validation_error
from localaws.sagemaker.fleet import Host
from localaws.sagemaker.models import Model, Models
from localaws.sagemaker.serverless import asked
from localaws.sagemaker.variants import PROPERTIES


class Endpoints:
    """Creates, updates, finds and deletes endpoints."""

    kind = "endpoint"

    def __init__(self, host: Host, scope: Scope, models: Models, configs: EndpointConfigs) -> None:
        self._host = host
        self._scope = scope
        self._models = models
        self._configs = configs
        self._items: dict[str, Endpoint] = {}

    @property
    def items(self) -> dict[str, Endpoint]:
        """The endpoints that exist, by name; one that has been taken down is forgotten here."""
        self._items = {name: item for name, item in self._items.items() if item.status != "Deleted"}
        return self._items

    def create(self, request: Mapping[str, Any]) -> Endpoint:
        """Begin to serve a configuration under a new name."""
        name = names.checked_name(request, "EndpointName")
        arn = names.arn(self._scope, self.kind, name)
        if name in self.items:
            raise already_exists(self.kind, arn)
        config, models = self._resolve(request)
        endpoint = Endpoint(self._host, self._scope, name, arn)
        self._items[name] = endpoint
        endpoint.deploy(config, models)
        return endpoint

    def update(self, request: Mapping[str, Any]) -> Endpoint:
        """Begin to move an endpoint to another configuration."""
        endpoint = self.get(names.checked_name(request, "EndpointName"))
        endpoint.deploy(*self._resolve(request), _retained_kinds(request))
        return endpoint

    def rescale(self, request: Mapping[str, Any]) -> Endpoint:
        """Begin to give an endpoint's live variants other weights or capacities."""
        endpoint = self.get(names.checked_name(request, "EndpointName"))
        endpoint.rescale(names.required(request, "DesiredWeightsAndCapacities"))
        return endpoint

    def get(self, name: str) -> Endpoint:
        """Return an endpoint. Raises the ValidationException for an unknown name."""
        if name not in self.items:
            raise not_found(self.kind, names.arn(self._scope, self.kind, name))
        return self._items[name]

    def find(self, name: str) -> Endpoint | None:
        """Return an endpoint for a request, or None."""
        return self._items.get(name)

    def delete(self, name: str) -> Endpoint:
        """Begin to take an endpoint down."""
        endpoint = self.get(name)
        endpoint.delete()
        return endpoint

    def _resolve(self, request: Mapping[str, Any]) -> tuple[EndpointConfig, list[Model]]:
        config = self._configs.get(names.checked_name(request, "EndpointConfigName"))
        return config, [self._models.get(variant.model_name) for variant in config.all_variants]


def _retained_kinds(request: Mapping[str, Any]) -> frozenset[str]:
    """Return which properties of live variants an UpdateEndpoint keeps: none, all, or all but some."""
    excluded = {
        str(names.required(entry, "VariantPropertyType"))
        for entry in request.get("ExcludeRetainedVariantProperties") or ()
    }
    if unknown := excluded - PROPERTIES:
        raise validation_error(
            f"VariantPropertyType {', '.join(sorted(unknown))} is not one of {', '.join(sorted(PROPERTIES))}."
        )
    return PROPERTIES - excluded if asked(request, "RetainAllVariantProperties") else frozenset()
