"""Charts as SVG: a few shapes, styled by the page, so that they follow its colors. Sizes are in SVG units."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .figures import short, trimmed

Numbers = Sequence[float]
_TICKS = 5


@dataclass(frozen=True)
class Axis:
    """A scale from data to places in the drawing."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> str:
        """Return the place of a value, as SVG has it."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return f"{self.start + share * (self.end - self.start):.1f}".removesuffix(".0")

    @property
    def ticks(self) -> list[float]:
        """About five round numbers within the scale."""
        span = self.high - self.low
        if not span:
            return [self.low]
        rough = span / _TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if rough <= power * factor * 1.0001)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def scatter(
    x: Numbers, y: Numbers, *, title: str, x_label: str, y_label: str, diagonal: bool = False
) -> Markup:
    """Return points; with the line where both are equal on equal scales, else with a line at zero."""
    low_x, high_x, low_y, high_y = min(x), max(x), min(y), max(y)
    if diagonal:
        low_x = low_y = min(low_x, low_y)
        high_x = high_y = max(high_x, high_y)
    else:
        low_y, high_y = min(low_y, 0), max(high_y, 0)
    across, up = Axis(*_padded(low_x, high_x), 46, 312), Axis(*_padded(low_y, high_y), 220, 8)
    if diagonal:
        line = _line("guide", [(across(at), up(at)) for at in (across.low, across.high)])
    else:
        line = _line("guide", [(across(at), up(0)) for at in (across.low, across.high)])
    # A dot is a line of no length with round ends: a tenth of the bytes of a circle.
    dots = "".join(f"M{across(at)} {up(value)}h0" for at, value in zip(x, y, strict=True))
    return _chart(
        title,
        [*_axes(across, up, x_label, y_label), line, Markup('<path class="dots" d="{}"/>').format(dots)],
    )


def curve(
    x: Numbers, y: Numbers, *, title: str, x_label: str, y_label: str, guide: Sequence[tuple[float, float]]
) -> Markup:
    """Return a line within the unit square, and a dashed line for comparison."""
    across, up = Axis(0, 1, 46, 228), Axis(0, 1, 190, 8)
    drawn = [
        _line("guide", [(across(a), up(b)) for a, b in guide]),
        _line("line", [(across(a), up(b)) for a, b in zip(x, y, strict=True)]),
    ]
    return _chart(title, [*_axes(across, up, x_label, y_label), *drawn], width=240, height=230)


def reliability(points: Sequence[tuple[float, float, int]], *, title: str) -> Markup:
    """Return stated against observed shares, a dot's area by how many rows it stands for."""
    across, up = Axis(0, 1, 46, 312), Axis(0, 1, 220, 8)
    most = max(count for _, _, count in points)
    drawn = [
        _line("guide", [(across(at), up(at)) for at in (0, 1)]),
        _line("line thin", [(across(a), up(b)) for a, b, _ in points]),
    ]
    for stated, observed, count in points:
        radius = f"{2 + 7 * math.sqrt(count / most):.1f}"
        drawn.append(
            Markup('<circle class="dot" cx="{}" cy="{}" r="{}"/>').format(
                across(stated), up(observed), radius
            )
        )
    return _chart(title, [*_axes(across, up, "stated probability", "observed share"), *drawn])


def histogram(low: float, high: float, counts: Sequence[int], *, title: str, x_label: str) -> Markup:
    """Return bars of equal bins between low and high."""
    if low == high:
        low, high = low - 0.5, high + 0.5
    across, up = Axis(low, high, 46, 312), Axis(0, max(counts), 220, 8)
    zero = [_line("guide", [(across(0), up(0)), (across(0), "8")])] if low < 0 < high else []
    return _chart(title, [*_axes(across, up, x_label, "rows"), *_bars(across, up, counts), *zero])


def small_histogram(counts: Sequence[int], *, title: str) -> Markup:
    """Return bars without axes, the size of a word."""
    across, up = Axis(0, len(counts), 0, 96), Axis(0, max(counts), 24, 1)
    return _chart(title, _bars(across, up, counts, gap=1), width=96, height=24, kind="small")


def bar(
    value: float, most: float, *, least: float = 0, low: float | None = None, high: float | None = None
) -> Markup:
    """Return one bar from zero, with a line from low to high; it shows what stands beside it in words."""
    ends = (value, low or 0, high or 0, 0)
    scale = Axis(min(*ends, least), max(*ends, most), 2, 158)
    zero, end = sorted((float(scale(0)), float(scale(value))))
    drawn = [Markup('<rect x="{}" y="3" width="{:.1f}" height="10"/>').format(zero, max(end - zero, 0.5))]
    if low is not None and high is not None:
        drawn.append(Markup('<path class="whisker" d="M{} 8H{}"/>').format(scale(low), scale(high)))
    return Markup('<svg class="bar" viewBox="0 0 160 16" aria-hidden="true">{}</svg>').format(
        Markup("").join(drawn)
    )


def _bars(across: Axis, up: Axis, counts: Sequence[int], gap: float = 0.5) -> list[Markup]:
    width = (across.end - across.start) / len(counts)
    return [
        Markup('<rect x="{:.1f}" y="{}" width="{:.1f}" height="{:.1f}"/>').format(
            across.start + number * width + gap / 2, up(count), width - gap, up.start - float(up(count))
        )
        for number, count in enumerate(counts)
        if count
    ]


def _axes(across: Axis, up: Axis, x_label: str, y_label: str) -> list[Markup]:
    bottom, left, middle = up.start, across.start, (up.start + up.end) / 2
    drawn = [Markup('<path class="axis" d="M{0} {1}V{2}H{3}"/>').format(left, up.end, bottom, across.end)]
    for at in across.ticks:
        drawn.append(_text(across(at), f"{bottom + 14}", _tick(at), "tick middle"))
    for at in up.ticks:
        drawn.append(Markup('<path class="grid" d="M{} {}H{}"/>').format(left, up(at), across.end))
        drawn.append(_text(f"{left - 5}", f"{float(up(at)) + 3.5:.1f}", _tick(at), "tick end"))
    drawn.append(_text(f"{(across.start + across.end) / 2:g}", f"{bottom + 30}", x_label, "label middle"))
    turned = Markup('<text class="label middle" transform="translate(10 {}) rotate(-90)">{}</text>')
    return [*drawn, turned.format(f"{middle:g}", y_label)]


def _chart(
    title: str, parts: Iterable[Markup], *, width: int = 320, height: int = 256, kind: str = "chart"
) -> Markup:
    return Markup('<svg class="{}" viewBox="0 0 {} {}" role="img"><title>{}</title>{}</svg>').format(
        kind, width, height, title, Markup("").join(parts)
    )


def _line(kind: str, points: Iterable[tuple[str, str]]) -> Markup:
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    return Markup('<path class="{}" d="{}"/>').format(kind, path)


def _text(x: str, y: str, text: str, kind: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(kind, x, y, text)


def _tick(value: float) -> str:
    number = float(f"{value:.6g}")
    if abs(number) >= 1e6:
        return f"{number:.3g}"
    return trimmed(short(number))


def _padded(low: float, high: float) -> tuple[float, float]:
    pad = (high - low) * 0.03 or abs(low) * 0.05 or 1.0
    return low - pad, high + pad
