"""A chart of bars as inline SVG: no script, no style of its own, readable as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

_WIDTH, _LABEL, _BAR, _ROW = 700, 300, 340, 26
_HEIGHT: Final = 16


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it counts, how many, and its colour as ``#rrggbb``."""

    label: str
    count: int
    colour: str


def grade_chart(bars: Sequence[Bar], title: str) -> ET.Element:
    """Horizontal bars from the top down, each with its label and number."""
    height = len(bars) * _ROW + 4
    told = "; ".join(f"{bar.label}: {bar.count}" for bar in bars)
    chart = ET.Element("svg", viewBox=f"0 0 {_WIDTH} {height}", role="img")
    chart.set("aria-label", f"{title}. {told}")
    most = max((bar.count for bar in bars), default=0) or 1
    for place, bar in enumerate(bars):
        top = place * _ROW + 4
        width = round(_BAR * bar.count / most, 1)
        middle = str(top + _HEIGHT - 3)
        label = ET.SubElement(chart, "text", {"x": str(_LABEL - 10), "y": middle})
        label.set("text-anchor", "end")
        label.text = bar.label
        ET.SubElement(
            chart,
            "rect",
            {
                "x": str(_LABEL),
                "y": str(top),
                # What is there is seen, however little it is.
                "width": str(max(width, 2) if bar.count else 0),
                "height": str(_HEIGHT),
                "fill": bar.colour,
            },
        )
        number = ET.SubElement(chart, "text", {"x": str(_LABEL + width + 8), "y": middle})
        number.text = f"{bar.count:,}"
    return chart
