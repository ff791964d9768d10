"""Which variant serves a request."""

import random
from collections.abc import Sequence

from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.fleet import Fleet


class Traffic:
    """An immutable choice among fleets: each gets its weight's share of the requests, weight 0 none."""

    def __init__(self, fleets: Sequence[Fleet]) -> None:
        self.fleets = tuple(fleets)
        self._weights = [fleet.variant.weight for fleet in self.fleets]
        self._by_name = {fleet.variant.name: fleet for fleet in self.fleets}
        self._single = self.fleets[0] if len(self.fleets) == 1 else None

    def choose(self, target_variant: str | None) -> Fleet:
        """Return the fleet of the named variant, or one by weight.

        Raises ValidationError for an unknown name.
        """
        if target_variant:
            if target_variant not in self._by_name:
                raise ApiError(
                    "ValidationError",
                    f"Variant {target_variant} not found for Request. Variants: {', '.join(self._by_name)}",
                )
            return self._by_name[target_variant]
        if self._single:
            return self._single
        return random.choices(self.fleets, self._weights)[0]  # noqa: S311  a share, not a secret
