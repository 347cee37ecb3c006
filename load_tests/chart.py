"""A curve as an SVG of a few lines: orders per second against the time in which 99 of 100 were answered."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from load_tests.report import ROOT

FOLDER = ROOT / ".cache" / "load_tests"
WIDTH, HEIGHT, MARGIN = 640, 360, 56
TICKS = 5


def to_svg(title: str, points: Sequence[tuple[float, float]]) -> str:
    """Return a chart of ``(orders/s, p99 ms)`` points, both axes from zero."""
    right = max((rate for rate, _ in points), default=1.0) or 1.0
    top = max((p99 for _, p99 in points), default=1.0) or 1.0
    places = [
        (MARGIN + rate / right * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - p99 / top * (HEIGHT - 2 * MARGIN))
        for rate, p99 in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    marks = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/><text x="{x:.1f}" y="{y - 8:.1f}">{p99:.1f} ms</text>'
        for (x, y), (_, p99) in zip(places, points, strict=True)
    ]
    axis = [
        f'<text x="{MARGIN + step / TICKS * (WIDTH - 2 * MARGIN):.1f}" y="{HEIGHT - MARGIN + 18}">'
        f"{right * step / TICKS:,.0f}</text>"
        for step in range(TICKS + 1)
    ]
    base, end = HEIGHT - MARGIN, WIDTH - MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
            ' font-family="sans-serif" font-size="11" text-anchor="middle">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            f'<text x="{WIDTH / 2}" y="24" font-size="14">{title}</text>',
            f'<path d="M{MARGIN},{MARGIN} V{base} H{end}" fill="none" stroke="gray"/>',
            f'<polyline points="{line}" fill="none" stroke="teal" stroke-width="2"/>',
            *marks,
            *axis,
            f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}">orders per second</text>',
            "</svg>",
            "",
        ]
    )


def write_curve(name: str, title: str, curve: Sequence[Mapping[str, float]]) -> Path:
    """Write the chart of a scenario's curve, and return where; rows have ``answered`` and ``p99_ms``."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.svg"
    path.write_text(to_svg(title, [(row["answered"], row["p99_ms"]) for row in curve]))
    return path
