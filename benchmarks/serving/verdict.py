"""The bounds that were set before anything was measured, and whether they are met."""

from __future__ import annotations

from dataclasses import dataclass

from .contestants import ASGI, AWS, BALANCED, CLASSIC, FASTAPI, FLASK, NGINX, SLIPWAY, Contestant
from .samples import Samples

PEAK = "bulk_peak"


@dataclass(frozen=True)
class Bound:
    """A ratio of ours to a peer's and what it must be at least (`>=`) or at most (`<=`).

    Of several peers the one that is hardest to beat counts, and so does the worst of several figures.
    """

    says: str
    figures: tuple[str, ...]
    peers: tuple[Contestant, ...]
    sign: str
    limit: float
    ours: Contestant = SLIPWAY

    def measured(self, samples: Samples) -> float | None:
        """Return the ratio; None where one side of it was not measured."""
        ratios = []
        for figure in self.figures:
            ours = samples.median(figure, self.ours)
            for peer in self.peers:
                theirs = samples.median(figure, peer)
                if ours is None or not theirs:
                    return None
                ratios.append(ours / theirs)
            if not self.peers and ours is not None:
                ratios.append(ours)
        if not ratios:
            return None
        return min(ratios) if self.sign == ">=" else max(ratios)

    def met(self, samples: Samples) -> bool | None:
        """Whether the ratio keeps the bound; None where there is none."""
        ratio = self.measured(samples)
        if ratio is None:
            return None
        return ratio >= self.limit if self.sign == ">=" else ratio <= self.limit


_SKLEARN = (FASTAPI, AWS)
_MEMORY = ("worker_pss", "worker_rss")
_LR_C1, _LR_C64 = ("lr_c1_rps",), ("lr_c64_rps",)
WEB_SERVICE = Bound(
    "iris_forest behind the load balancer, 1 and 64 connections: requests/s of Flask's own server",
    ("web_c1_rps", "web_c64_rps"),
    (FLASK,),
    ">=",
    25,
    BALANCED,
)
BOUNDS = (
    Bound("logistic regression, 64 connections: requests/s of AWS's stack", _LR_C64, (AWS,), ">=", 20),
    Bound("the same, of the classic stack", _LR_C64, (CLASSIC,), ">=", 30),
    Bound(
        "forest of 100 trees, 64 connections: of the classic stack", ("rf_c64_rps",), (CLASSIC,), ">=", 200
    ),
    Bound("one connection: p50 of AWS's stack", ("lr_c1_p50",), (AWS,), "<=", 0.1),
    Bound("64 connections: requests/s of nginx's constant", _LR_C64, (NGINX,), ">=", 0.25),
    Bound("the same, one connection", _LR_C1, (NGINX,), ">=", 0.25),
    Bound("64 connections: requests/s of a constant on our own server", _LR_C64, (ASGI,), ">=", 0.6),
    Bound("the same, one connection", _LR_C1, (ASGI,), ">=", 0.6),
    WEB_SERVICE,
    Bound("5 MB of CSV: rows/s of AWS's stack", ("bulk_rows",), (AWS,), ">=", 10),
    Bound("5 MB of CSV: peak memory, in bodies", (PEAK,), (), "<=", 3),
    Bound("start: of the fastest scikit-learn server", ("start",), _SKLEARN, "<=", 0.25),
    Bound("worker, PSS and RSS: of the smallest scikit-learn server", _MEMORY, _SKLEARN, "<=", 0.5),
)
