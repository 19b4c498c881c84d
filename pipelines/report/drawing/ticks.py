"""Axes: from values to places, and round numbers to label them with."""

import math
from dataclasses import dataclass

SIGNS = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "==": "=", "!=": "≠"}
"""Comparisons as they are printed."""


@dataclass(frozen=True)
class Axis:
    """Maps low..high to left..right (which may run upwards: left > right), linear or logarithmic."""

    scale: str
    low: float
    high: float
    left: float
    right: float

    def place(self, value: float) -> float:
        """Where a value stands; what is off the axis stands at its end."""
        low, high = _linear(self.scale, self.low, self.low), _linear(self.scale, self.high, self.low)
        part = (_linear(self.scale, value, self.low) - low) / (high - low)
        return self.left + min(max(part, 0.0), 1.0) * (self.right - self.left)

    def labels(self, wanted: int) -> list[tuple[float, str]]:
        """Places and texts of about so many round values; texts keep clear of the ends."""
        values = _decades(self.low, self.high) if self.scale == "log" else _round_steps(self.low, self.high, wanted)
        inset = 10.0 if self.left < self.right else 0.0
        low, high = sorted((self.left, self.right))
        return [
            (place, compact(value)) for value in values if low + inset <= (place := self.place(value)) <= high - inset
        ]


def axis(scale: str, low: float, high: float, left: float, right: float) -> Axis:
    """An axis; high must be above low, and low above zero when the scale is log."""
    return Axis(scale, low, high, left, right)


def value_at(scale: str, low: float, high: float, part: float) -> float:
    """The value at a part (0..1) of an axis."""
    if scale == "log":
        return float(low * (high / low) ** part)
    return low + (high - low) * part


def compact(value: float) -> str:
    """A short label: 1200 -> 1.2k, 3000000 -> 3M, 0.05 -> 0.05."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _linear(scale: str, value: float, low: float) -> float:
    return math.log10(max(value, low)) if scale == "log" else value


def _round_steps(low: float, high: float, wanted: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / max(wanted, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((power * factor for factor in (1, 2, 5) if power * factor >= rough), power * 10)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten; with others between where there are few, every second where there are many."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = math.log10(high / low)
    factors = (1, 2, 5) if decades < 1.5 else (1, 3) if decades < 3 else (1,)
    every = 2 if decades > 6 else 1
    values = [factor * 10.0**power for power in range(first, last + 1, every) for factor in factors]
    return [value for value in values if low <= value <= high]
