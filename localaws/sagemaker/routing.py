"""Which variant serves a request, and whether the shadow variant gets a copy."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.fleet import Fleet
from localaws.sagemaker.variants import Variant


@dataclass(frozen=True)
class Member:
    """A fleet, and its variant as it is now: weight and capacity change while a fleet runs."""

    fleet: Fleet
    variant: Variant


class Traffic:
    """An immutable choice among fleets: each gets its weight's share of the requests, weight 0 none.

    The shadow, if there is one, is never chosen; it gets copies.
    """

    def __init__(self, members: Sequence[Member], shadow: Member | None = None) -> None:
        self.members = tuple(members)
        self.shadow = shadow
        self._cumulative = list(accumulate(member.variant.weight for member in self.members))
        self._by_name = {member.variant.name: member for member in self.members}
        self._single = self.members[0] if len(self.members) == 1 else None
        # A shadow's weight is a share of the production variant's: both 1 copies every request.
        self._sampling = shadow.variant.weight / self._cumulative[-1] if shadow else 0.0
        # Of its own and seeded: the same requests are shared in the same way each time.
        self._random = random.Random(0)  # noqa: S311  shares, no secret

    @property
    def all_members(self) -> tuple[Member, ...]:
        """Those that are chosen from, and the shadow as the last one."""
        return (*self.members, self.shadow) if self.shadow else self.members

    @property
    def fleets(self) -> tuple[Fleet, ...]:
        """What every member runs on."""
        return tuple(member.fleet for member in self.all_members)

    @property
    def variants(self) -> dict[str, Variant]:
        """Every variant as it is now, by name."""
        return {member.variant.name: member.variant for member in self.all_members}

    def choose(self, target_variant: str | None) -> Member:
        """Return the member of that variant name, or one by weight.

        Raises ValidationError for an unknown name, a shadow's included.
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
        return self._random.choices(self.members, cum_weights=self._cumulative)[0]

    def copied_to(self) -> Fleet | None:
        """Return the shadow's fleet where the request at hand is among those to copy."""
        if self.shadow and self._random.random() < self._sampling:
            return self.shadow.fleet
        return None

    def changed(self, variants: Mapping[str, Variant], fleets: Mapping[str, Fleet]) -> "Traffic":
        """Return this choice with variants as they are from now on, and the fleets of those that moved."""

        def member(old: Member) -> Member:
            name = old.variant.name
            return Member(fleets.get(name, old.fleet), variants.get(name, old.variant))

        return Traffic([member(old) for old in self.members], self.shadow and member(self.shadow))
