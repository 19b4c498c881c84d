"""The ladder as a picture: loss against compute, both logarithmic, with the law, the prediction and what came of it."""

from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np

from gristmill.trainer.scaling.fit import Law
from gristmill.trainer.scaling.ladder import Rung

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 440, 64, 24, 36, 48
COLOURS = ("#2563a8", "#c2571a", "#2e7d4f", "#8a4a9e", "#a1343c", "#4d6b78")


class _Axes:
    """Logarithmic coordinates."""

    def __init__(self, x: list[float], y: list[float]):
        self.x = np.log10([min(x) / 1.5, max(x) * 1.5])
        self.y = np.log10([min(y) / 1.03, max(y) * 1.03])

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Point in the picture."""
        right = (np.log10(x) - self.x[0]) / (self.x[1] - self.x[0])
        up = (np.log10(y) - self.y[0]) / (self.y[1] - self.y[0])
        return (
            round(LEFT + right * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1),
        )

    def grid(self) -> Iterable[str]:
        """Lines and their numbers."""
        for power in range(int(np.ceil(self.x[0])), int(np.floor(self.x[1])) + 1):
            x, _ = self.at(10.0**power, 10 ** self.y[0])
            yield f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>'
            yield f'<text x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">1e{power}</text>'
        for loss in 10 ** np.linspace(self.y[0], self.y[1], 6)[1:-1]:
            _, y = self.at(10 ** self.x[0], loss)
            yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>'
            yield f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{loss:.2f}</text>'


def chart(rungs: list[Rung], losses: list[float], target: Rung, outcome: dict[str, Any], law: Law | None) -> str:
    """An SVG picture: a point per run, a line per size, L(C), the predicted interval and the measured loss."""
    predicted = outcome["predicted"]["L(N, D)"]
    low, high = predicted["interval_90"]
    compute = [rung.flops for rung in rungs]
    axes = _Axes([*compute, target.flops], [*losses, low, high, outcome["actual"]])
    shapes = list(axes.grid())
    sizes = list(dict.fromkeys((rung.width, rung.layers) for rung in rungs))
    for k, size in enumerate(sizes):
        colour = COLOURS[k % len(COLOURS)]
        mine = [(r.flops, loss) for r, loss in zip(rungs, losses, strict=True) if (r.width, r.layers) == size]
        points = [axes.at(*point) for point in sorted(mine)]
        shapes.append(f'<polyline points="{_points(points)}" fill="none" stroke="{colour}"/>')
        shapes += [f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>' for x, y in points]
        x, y = points[0]
        shapes.append(f'<text x="{x}" y="{y - 8}" fill="{colour}">{size[0]} x {size[1]}</text>')
    if law is not None:
        curve = [axes.at(c, law(c)) for c in np.geomspace(min(compute), target.flops, 60)]
        shapes.append(f'<polyline points="{_points(curve)}" fill="none" stroke="#555" stroke-dasharray="5 4"/>')
    (x, y_low), (_, y_high) = axes.at(target.flops, low), axes.at(target.flops, high)
    (_, y_predicted), (_, y_actual) = (axes.at(target.flops, loss) for loss in (predicted["loss"], outcome["actual"]))
    shapes.append(f'<line x1="{x}" x2="{x}" y1="{y_low}" y2="{y_high}" stroke="#111" stroke-width="2"/>')
    shapes.append(f'<line x1="{x - 7}" x2="{x + 7}" y1="{y_predicted}" y2="{y_predicted}" stroke="#111"/>')
    shapes.append(f'<circle cx="{x}" cy="{y_actual}" r="5" fill="none" stroke="#111" stroke-width="2"/>')
    title = f"Predicted {predicted['loss']:.4f} (90 %: {low:.4f} to {high:.4f}), measured {outcome['actual']:.4f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12" role="img"><title>{escape(title)}</title><rect width="100%" height="100%" fill="white"/>'
        f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">FLOPs</text>'
        f'<text transform="rotate(-90 14 {HEIGHT / 2})" x="14" y="{HEIGHT / 2}" text-anchor="middle">validation loss, '
        f"nats per token</text>{''.join(shapes)}</svg>"
    )


def _points(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
