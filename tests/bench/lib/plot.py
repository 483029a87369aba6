# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Draws cycles per frame against flows as an SVG, which can be read on a light and on a dark page: it has its own
ground, which follows the reader's preference."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 58, 92
# Of about the same lightness against white and black; each line also has its own mark and label.
COLOURS = ("#8a8f98", "#e0662f", "#2f81d6", "#2a9d6f", "#b0589f")
MARKS = ("circle", "square", "triangle", "diamond", "circle")
STYLE = """
	.page { fill: #ffffff; } text { font: 13px system-ui, sans-serif; fill: #24292f; }
	.small { font-size: 11px; } .title { font-size: 15px; font-weight: 600; }
	.grid { stroke: #d0d7de; } .axis { stroke: #57606a; }
	@media (prefers-color-scheme: dark) {
		.page { fill: #0d1117; } text { fill: #e6edf3; } .grid { stroke: #30363d; } .axis { stroke: #8b949e; }
	}
"""


def step(most):
    """A round distance of the grid's lines, of which there are 4 to 10."""
    power = 10 ** math.floor(math.log10(most / 4))
    return max(power * factor for factor in (1, 2, 5) if power * factor * 4 <= most)


def amount(flows):
    for size, unit in ((10**6, "M"), (10**3, "k")):
        if flows >= size:
            return f"{flows / size:g}{unit}"
    return str(flows)


def mark(shape, x, y, colour):
    points = {"square": "-4,-4 4,-4 4,4 -4,4", "triangle": "0,-5 5,4 -5,4", "diamond": "0,-5 5,0 0,5 -5,0"}
    if shape in points:
        return f'<polygon points="{points[shape]}" transform="translate({x:.1f} {y:.1f})" fill="{colour}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'


def spread(positions, distance):
    """Where labels stand so that none covers another: {key: y}, in the order of the y wanted."""
    placed, last = {}, -math.inf
    for key, y in sorted(positions.items(), key=lambda item: item[1]):
        last = placed[key] = max(y, last + distance)
    return placed


class Frame:
    """Where a point of the diagram lies."""

    def __init__(self, series):
        self.flows = sorted({flows for points in series.values() for flows in points})
        values = [high for points in series.values() for _, _, high in points.values()]
        self.step = step(max(values))
        self.most = math.ceil(max(values) / self.step) * self.step
        self.decades = max(math.log10(self.flows[-1] / self.flows[0]), 1)

    def x(self, flows):
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(flows / self.flows[0]) / self.decades

    def y(self, cycles):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * cycles / self.most


def axes(frame):
    lines = []
    for i in range(round(frame.most / frame.step) + 1):
        y = frame.y(i * frame.step)
        kind = "grid" if i else "axis"
        lines.append(f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{i * frame.step:g}</text>')
    below = HEIGHT - BOTTOM + 20
    for flows in frame.flows:
        lines.append(f'<text x="{frame.x(flows):.1f}" y="{below}" text-anchor="middle">{amount(flows)}</text>')
    lines.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{below + 20}" text-anchor="middle">flows</text>')
    return lines


def curve(frame, points, colour, shape):
    ordered = sorted(points.items())
    path = " ".join(f"{frame.x(flows):.1f},{frame.y(value):.1f}" for flows, (value, _, _) in ordered)
    lines = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for flows, (value, low, high) in ordered:
        x = frame.x(flows)
        lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{frame.y(low):.1f}" y2="{frame.y(high):.1f}" '
                     f'stroke="{colour}" stroke-width="1.5"/>' + mark(shape, x, frame.y(value), colour))
    return lines


def draw(title, subtitle, notes, series):
    """`series`: {label: {flows: (value, low, high)}}; `notes`: lines below. Returns the SVG."""
    frame = Frame(series)
    ends = {label: frame.y(points[max(points)][0]) for label, points in series.items()}
    labels = spread(ends, 16)
    body = ['<rect class="page" width="100%" height="100%" rx="6"/>',
            f'<text class="title" x="{LEFT}" y="22">{escape(title)}</text>',
            f'<text x="{LEFT}" y="42">{escape(subtitle)}</text>', *axes(frame)]
    for i, (label, points) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        body += curve(frame, points, colour, MARKS[i % len(MARKS)])
        body.append(f'<text x="{frame.x(max(points)) + 10:.1f}" y="{labels[label] + 4:.1f}" style="fill: {colour}">'
                    f'{escape(label)}</text>')
    for i, note in enumerate(notes):
        body.append(f'<text class="small" x="{LEFT}" y="{HEIGHT - 32 + 16 * i}">{escape(note)}</text>')
    lines = "\n".join(f"\t{line}" for line in body)
    return ('<svg xmlns="http://www.w3.org/2000/svg" role="img" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">\n'
            f'\t<title>{escape(title)}</title>\n\t<style>{STYLE}\t</style>\n{lines}\n</svg>\n')
