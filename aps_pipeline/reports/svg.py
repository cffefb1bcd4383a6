"""Turn an Altair chart into an SVG element of a page: no script, no style attribute, no font.

Colours are names of the style sheet (`var(--sun)`), so one drawing serves light, dark and paper. Sizes are
fixed and no text is measured, so every machine draws the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    """Refer to a colour of the style sheet."""
    return f"var(--{name})"


def scale(names: Mapping[str, str]) -> alt.Scale:
    """Map values to colours of the style sheet."""
    return alt.Scale(domain=list(names), range=[colour(name) for name in names.values()])


def draw(chart: alt.LayerChart, label: str, size: tuple[int, int], margins: tuple[int, int, int, int]) -> str:
    """Draw a chart as an SVG element; `margins` are left, top, right and bottom of the plotted `size`.

    `label` tells people who cannot see it what it shows. A mark's `description` becomes its tooltip.
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
    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(sized.to_dict(validate=False)))  # noqa: S314 - ours
    _strip(root)
    box = {
        "viewBox": f"0 0 {left + width + right} {top + height + bottom}",
        "width": str(left + width + right),
    }
    root.attrib.clear()
    root.attrib.update({**box, "role": "img", "aria-label": label})
    ElementTree.register_namespace("", _SVG)
    return ElementTree.tostring(root, encoding="unicode")


def _strip(root: ElementTree.Element) -> None:
    """Remove what a page must not have, and make each mark's description its tooltip."""
    for element in root.iter():
        description = element.attrib.pop("aria-label", "")
        is_axis = element.get("aria-roledescription") == "axis"
        is_mark = element.get("role") == "graphics-symbol" and not is_axis
        for name in _DROPPED:
            element.attrib.pop(name, None)
        for name in _PLACES & element.attrib.keys():
            element.attrib[name] = _LONG.sub(
                lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), element.attrib[name]
            )
        if is_mark and description:
            title = ElementTree.Element(f"{{{_SVG}}}title")
            title.text = description
            element.insert(0, title)
