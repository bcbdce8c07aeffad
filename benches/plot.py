"""Draws lines on two logarithmic axes as SVG, for `report.py`."""
import math
from typing import NamedTuple
from xml.sax.saxutils import escape

from figures import seconds

# Pixels.
WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 72, 204, 72, 58
LABEL_DISTANCE = 19

# The picture has its own background. Viewers that know the preference of the reader use the dark colours.
STYLE = """
.card { fill: #ffffff; stroke: #d1d9e0 }
text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; fill: #59636e }
.title { font-size: 16px; font-weight: 600; fill: #1f2328 }
.label { font-weight: 600 }
.grid { stroke: #e6eaef; fill: none }
.axis { stroke: #818b98; fill: none }
.line { fill: none; stroke-width: 2.25; stroke-linejoin: round }
.range, .leader { fill: none; stroke-width: 1 }
.marker { stroke: #ffffff }
.c0 { stroke: #0550ae } .c1 { stroke: #1a7f37 } .c2 { stroke: #bc4c00 } .c3 { stroke: #0969da } .c4 { stroke: #2a7de1 }
.f0 { fill: #0550ae } .f1 { fill: #1a7f37 } .f2 { fill: #bc4c00 } .f3 { fill: #0969da } .f4 { fill: #2a7de1 }
@media (prefers-color-scheme: dark) {
.card { fill: #0d1117; stroke: #3d444d }
text { fill: #9198a1 }
.title { fill: #f0f6fc }
.grid { stroke: #21262d }
.axis { stroke: #656c76 }
.marker { stroke: #0d1117 }
.c0 { stroke: #79c0ff } .c1 { stroke: #3fb950 } .c2 { stroke: #f0883e } .c3 { stroke: #58a6ff } .c4 { stroke: #388bfd }
.f0 { fill: #79c0ff } .f1 { fill: #3fb950 } .f2 { fill: #f0883e } .f3 { fill: #58a6ff } .f4 { fill: #388bfd }
}
"""


class Point(NamedTuple):
    """A position on the horizontal axis, and the median and the range of the seconds there."""

    x: float
    median: float
    low: float
    high: float


class Line(NamedTuple):
    """A line with its label, and a note for the end of a line that is shorter than the others."""

    label: str
    points: list
    note: str = ""


def tick(value):
    """Returns the label of a power of ten."""
    return f"{value:,.0f} s" if value >= 1 else f"{value * 1000:g} ms"


class Scale:
    """A logarithmic axis from one value to another, in pixels."""

    def __init__(self, low, high, start, end):
        self.low, self.factor, self.start = math.log10(low), (end - start) / (math.log10(high) - math.log10(low)), start

    def __call__(self, value):
        return self.start + (math.log10(value) - self.low) * self.factor


def powers(low, high):
    """Returns the powers of ten from one value to another."""
    return [10.0**n for n in range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)]


def marker(index, x, y):
    """Returns a marker of its own shape for each line, so that colours are not necessary."""
    if index == 0:
        return f'<circle class="marker f0" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    shape = {
        1: "M-4,-4h8v8h-8z", 2: "M0,-5.5L5.5,4H-5.5z", 3: "M0,-5.5L5.5,0L0,5.5L-5.5,0z", 4: "M0,5.5L5.5,-4H-5.5z",
    }[index]
    return f'<path class="marker f{index}" transform="translate({x:.1f},{y:.1f})" d="{shape}"/>'


def spread(wanted, distance):
    """Moves positions apart until neighbours have a distance. Returns them in the same order."""
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    groups = []
    for at in order:
        groups.append([[at], wanted[at]])
        # A group has a centre, which is the mean of the wanted positions of its members.
        while len(groups) > 1 and groups[-1][1] - groups[-2][1] < distance * (len(groups[-1][0]) + len(groups[-2][0])) / 2:
            members = groups[-2][0] + groups.pop()[0]
            groups[-1] = [members, sum(wanted[member] for member in members) / len(members)]
    result = [0.0] * len(wanted)
    for members, centre in groups:
        for place, member in enumerate(members):
            result[member] = centre + (place - (len(members) - 1) / 2) * distance
    return result


def axes(title, subtitle, axis, x_scale, y_scale, ticks, levels):
    """Returns the titles, the grid, and the labels of both axes."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [
        f'<text class="title" x="20" y="31">{escape(title)}</text>',
        f'<text x="20" y="52">{escape(subtitle)}</text>',
    ]
    parts += [f'<path class="grid" d="M{LEFT},{y_scale(level):.1f}H{right}"/>' for level in levels]
    parts += [f'<text x="{LEFT - 10}" y="{y_scale(level) + 4.5:.1f}" text-anchor="end">{tick(level)}</text>' for level in levels]
    parts += [f'<path class="axis" d="M{x_scale(at):.1f},{bottom}v5"/>' for at in ticks]
    parts += [f'<text x="{x_scale(at):.1f}" y="{bottom + 21}" text-anchor="middle">{at:,.0f}</text>' for at in ticks]
    parts.append(f'<path class="axis" d="M{LEFT},{bottom}H{right}"/>')
    return [*parts, f'<text x="{(LEFT + right) / 2:.1f}" y="{HEIGHT - 15}" text-anchor="middle">{escape(axis)}</text>']


def drawn(index, line, x_scale, y_scale):
    """Returns a line, its markers, and the range of each point."""
    places = [(x_scale(point.x), y_scale(point.median)) for point in line.points]
    path = "L".join(f"{x:.1f},{y:.1f}" for x, y in places)
    ranges = "".join(f"M{x_scale(point.x):.1f},{y_scale(point.low):.1f}V{y_scale(point.high):.1f}" for point in line.points)
    return [
        f'<path class="line c{index}" d="M{path}"/>', f'<path class="range c{index}" d="{ranges}"/>',
        *(marker(index, x, y) for x, y in places),
    ]


def labels(lines, x_scale, y_scale):
    """Returns a label at the end of each line, with its last value."""
    ends = [(x_scale(line.points[-1].x), y_scale(line.points[-1].median)) for line in lines]
    heights, parts = [y for _, y in ends], []
    # Only the labels at the right edge can overlap.
    edge = max(x for x, _ in ends)
    at_edge = [index for index, (x, _) in enumerate(ends) if x == edge]
    for index, y in zip(at_edge, spread([heights[index] for index in at_edge], LABEL_DISTANCE)):
        heights[index] = y
    for index, (line, (x, y), height) in enumerate(zip(lines, ends, heights)):
        if abs(y - height) > 3:
            parts.append(f'<path class="leader c{index}" d="M{x + 7:.1f},{y:.1f}L{x + 16:.1f},{height:.1f}"/>')
        parts.append(
            f'<text x="{x + 20:.1f}" y="{height + 4.5:.1f}"><tspan class="label f{index}">{escape(line.label)}</tspan> {seconds(line.points[-1].median)}</text>'
        )
        if line.note:
            parts.append(f'<text x="{x + 20:.1f}" y="{height + 21.5:.1f}">{escape(line.note)}</text>')
    return parts


def chart(title, subtitle, axis, lines):
    """Returns the picture of up to five lines."""
    points = [point for line in lines for point in line.points]
    xs = sorted({point.x for point in points})
    lowest, highest = min(point.low for point in points), max(point.high for point in points)
    bottom, top = 10.0 ** math.floor(math.log10(lowest)), highest * 1.2
    x_scale = Scale(xs[0] / 1.2, xs[-1] * 1.1, LEFT, WIDTH - RIGHT)
    y_scale = Scale(bottom, top, HEIGHT - BOTTOM, TOP)
    ticks = sorted({*powers(xs[0], xs[-1]), xs[0], xs[-1]})
    ends = "; ".join(f"{line.label}, {seconds(line.points[-1].median)} at {line.points[-1].x:,}" for line in lines)
    description = f"A line for each command, on logarithmic axes. Vertical: {subtitle}. Horizontal: {axis}. The ends of the lines: {ends}."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(description)}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>',
        *axes(title, subtitle, axis, x_scale, y_scale, ticks, powers(bottom, top)),
    ]
    # The first line is the most important one, so it is drawn last, above the others.
    for index in reversed(range(len(lines))):
        parts += drawn(index, lines[index], x_scale, y_scale)
    return "\n".join([*parts, *labels(lines, x_scale, y_scale), "</svg>", ""])
