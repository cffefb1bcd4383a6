"""From an Altair chart to an SVG element that stands in a page: no script, no style attribute, no font.

Colours are names of the style sheet (`var(--sun)`), so one drawing serves light, dark and paper. Sizes are
fixed and texts are measured by nobody, so that every machine draws the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import altair as alt
import vl_convert

_SVG = "http://www.w3.org/2000/svg"
_AXIS = {
    "domain": False,
    "ticks": False,
    "labelColor": "var(--soft)",
    "labelFontSize": 11,
    "labelPadding": 6,
    "labelOverlap": False,
    "titleColor": "var(--soft)",
    "titleFontSize": 11,
    "titleFontWeight": "normal",
    "gridColor": "var(--rule)",
}
_DROPPED = (
    "aria-hidden",
    "aria-roledescription",
    "pointer-events",
    "font-family",
    "version",
    "class",
    "role",
)
_PLACES = {"d", "transform", "x", "y", "x2", "y2", "width", "height"}
_LONG = re.compile(r"-?\d+\.\d{3,}(e-?\d+)?")


def colour(name: str) -> str:
    """A colour of the style sheet."""
    return f"var(--{name})"


def scale(names: Mapping[str, str]) -> alt.Scale:
    """Values to colours of the style sheet."""
    return alt.Scale(domain=list(names), range=[colour(name) for name in names.values()])


def drawn(
    chart: alt.LayerChart, label: str, size: tuple[int, int], margins: tuple[int, int, int, int]
) -> str:
    """The chart as an SVG element; `margins` are left, top, right and bottom of the plotted `size`.

    `label` says to people who cannot see it what it shows. A mark's `description` becomes its tooltip.
    """
    width, height = size
    left, top, right, bottom = margins
    sized = (
        chart.properties(
            width=width,
            height=height,
            autosize=alt.AutoSizeParams(type="none"),
            padding={"left": left, "top": top, "right": right, "bottom": bottom},
        )
        .configure(background="transparent", font="sans-serif")
        .configure_axis(**_AXIS)
        .configure_view(strokeOpacity=0)
    )
    text = vl_convert.vegalite_to_svg(sized.to_dict(validate=False))
    return _plain(text, label, (left + width + right, top + height + bottom))


def _plain(text: str, label: str, size: tuple[int, int]) -> str:
    """The drawing without what a page must not have, each mark's description as its tooltip."""
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(text)  # noqa: S314 - drawn here, from a chart of ours
    for element in root.iter():
        described = element.attrib.pop("aria-label", "")
        is_axis = element.get("aria-roledescription") == "axis"
        is_mark = element.get("role") == "graphics-symbol" and not is_axis
        for name in _DROPPED:
            element.attrib.pop(name, None)
        for name in _PLACES & element.attrib.keys():
            element.attrib[name] = _LONG.sub(_short, element.attrib[name])
        if is_mark and described:
            title = ElementTree.Element(f"{{{_SVG}}}title")
            title.text = described
            element.insert(0, title)
    root.attrib.clear()
    box = {"viewBox": f"0 0 {size[0]} {size[1]}", "width": str(size[0])}
    root.attrib.update({**box, "role": "img", "aria-label": label})
    return ElementTree.tostring(root, encoding="unicode")


def _short(number: re.Match[str]) -> str:
    """A length with two decimals: nobody sees more."""
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def values(rows: list[dict[str, Any]]) -> alt.InlineData:
    """Rows as the data of a chart; days and other texts are texts."""
    return alt.InlineData(values=rows)
