"""The charts of a page, for wide and for narrow pages. Absent figures are drawn as absent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from aps_pipeline.reports.svg import colour, draw, scale

WIDE, NARROW = 860, 340
"""Widths of a drawing in CSS pixels, margins included."""

Rows = list[dict[str, Any]]

RAMP = {f"s{step}": f"sun-{step}" for step in range(7)} | {"absent": "paper"}
"""Steps of energy, from none to most."""

RATIOS = {f"r{step}": f"ratio-{step}" for step in range(6)} | {"silent": "silent", "absent": "paper"}
"""Steps of a ratio to peers: nearly nothing, far less, less, a little less, the same, more."""

STATES = {
    "present": "present",
    "partial": "partial",
    "no data": "nodata",
    "refused": "bad",
    "failed": "bad",
    "beyond retention": "nodata",
    "not asked": "paper",
    "not yet due": "paper",
    "not applicable": "none",
}
"""Colours of the states of mart.coverage."""


def step_of(value: float | None, most: float) -> str:
    """Find the step of `RAMP` for an energy; `most` is the largest on the chart."""
    if value is None:
        return "absent"
    if value <= 0 or most <= 0:
        return "s0"
    return f"s{min(6, 1 + int(6 * value / most))}"


def ratio_step(ratio: float | None, is_silent: bool = False) -> str:
    """Find the step of `RATIOS` for a ratio to peers; a silent panel has its own, whatever it gave before."""
    if is_silent:
        return "silent"
    if ratio is None:
        return "absent"
    return f"r{sum(ratio >= border for border in (0.05, 0.5, 0.85, 0.95, 1.05))}"


def cells(
    rows: Rows,
    colours: dict[str, str],
    columns: Sequence[str],
    lines: Sequence[str],
    label: str,
    *,
    width: int,
    left: int,
    height: int = 20,
    shown: Sequence[str] | None = None,
    is_square: bool = False,
    texts: bool = False,
) -> str:
    """Draw `rows` of `column`, `line`, `step` and `tooltip` as a heat map; `shown` columns have a label.

    A cell without a figure is an empty frame. With `texts` each cell shows its `text`.
    """
    plot = width - left - 4
    if is_square:
        height = max(28, min(64, plot // max(1, len(columns))))
        plot = min(plot, height * len(columns))
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X(
            "column:N",
            scale=alt.Scale(domain=list(columns), paddingInner=0.12, paddingOuter=0.06),
            axis=alt.Axis(
                title=None, orient="top", labelAngle=0, values=list(columns if shown is None else shown)
            ),
        ),
        y=alt.Y(
            "line:N",
            scale=alt.Scale(domain=list(lines), paddingInner=0.12, paddingOuter=0.06),
            axis=alt.Axis(title=None, labelLimit=0) if left else None,
        ),
        description="tooltip:N",
    )
    layers = [
        base.mark_rect(strokeWidth=1, strokeDash=[2, 2]).encode(
            fill=alt.Fill("step:N", scale=scale(colours), legend=None),
            stroke=alt.condition("datum.step == 'absent'", alt.value(colour("faint")), alt.value(None)),
        )
    ]
    if texts:
        layers.append(
            base.mark_text(fontSize=11, fill=colour("ink")).encode(
                text="text:N",
                fill=alt.condition(
                    "indexof(['r0', 'r1', 'silent'], datum.step) >= 0",
                    alt.value(colour("on-bad")),
                    alt.value(colour("ink")),
                ),
            )
        )
    return draw(alt.LayerChart(layer=layers), label, (plot, height * len(lines)), (left, 24, 4, 4))


def day_bars(rows: Rows, label: str, *, width: int, most: float) -> str:
    """Draw bars of `kwh` by `day` of the month, with a mark at `before` and a line at `clear`."""
    kwh_scale = alt.Scale(domain=[0, most or 1], nice=True)
    x = alt.X(
        "day:O",
        scale=alt.Scale(domain=[row["day"] for row in rows], paddingInner=0.25, paddingOuter=0.1),
        axis=alt.Axis(title=None, labelAngle=0, values=_some_days(rows, width), grid=False),
    )
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=x, description="tooltip:N")
    bars = base.mark_bar().encode(
        y=alt.Y("kwh:Q", scale=kwh_scale, axis=_kwh_axis(4)),
        fill=alt.condition("datum.is_final", alt.value(colour("sun")), alt.value(colour("sun-2"))),
    )
    before = (
        base.mark_tick(thickness=2, stroke=colour("before"), fill=colour("before"))
        .transform_filter("isValid(datum.before)")
        .encode(y=alt.Y("before:Q", scale=kwh_scale))
    )
    clear = (
        base.mark_line(
            aria=False, stroke=colour("clear"), strokeWidth=1.5, interpolate="monotone", strokeDash=[3, 3]
        )
        .transform_filter("isValid(datum.clear)")
        .encode(y=alt.Y("clear:Q", scale=kwh_scale))
    )
    missing = (
        base.mark_text(text="×", fontSize=12, fill=colour("faint"), baseline="bottom")
        .transform_filter("!isValid(datum.kwh)")
        .encode(y=alt.value(198))
    )
    layers = alt.LayerChart(layer=[clear, bars, before, missing])
    return draw(layers, label, (width - 44, 200), (36, 22, 8, 24))


def profile(rows: Rows, label: str, *, width: int) -> str:
    """Draw the usual course of a day: `median` by `hour`, within the band from `p10` to `p90`."""
    x = alt.X(
        "hour:Q",
        scale=alt.Scale(domain=[0, 23], nice=False),
        axis=alt.Axis(title=None, values=[0, 6, 12, 18, 23], labelExpr="datum.value + ':00'", grid=False),
    )
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=x)
    band = base.mark_area(aria=False, fill=colour("sun-2"), opacity=0.55, interpolate="monotone").encode(
        y=alt.Y("p10:Q", axis=_kwh_axis(3)), y2="p90:Q"
    )
    line = base.mark_line(aria=False, stroke=colour("sun"), strokeWidth=2.5, interpolate="monotone").encode(
        y="median:Q"
    )
    points = base.mark_circle(size=160, fill=colour("sun"), opacity=0).encode(
        y="median:Q", description="tooltip:N"
    )
    layers = alt.LayerChart(layer=[band, line, points])
    return draw(layers, label, (width - 52, 160), (36, 22, 16, 24))


def flows(rows: Rows, label: str, *, width: int, parts: dict[str, str]) -> str:
    """Draw stacked bars by `day` of the `kwh` of each `part`; negative parts hang below the line."""
    days = list(dict.fromkeys(row["day"] for row in rows))
    x = alt.X(
        "day:O",
        scale=alt.Scale(domain=days, paddingInner=0.25, paddingOuter=0.1),
        axis=alt.Axis(
            title=None, labelAngle=0, values=_some_days(rows, width), grid=False, orient="bottom", offset=2
        ),
    )
    bars = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y("kwh:Q", stack="zero", axis=_kwh_axis(5, labelExpr="abs(datum.value)")),
            fill=alt.Fill("part:N", scale=scale(parts), legend=None),
            order=alt.Order("rank:Q"),
            description="tooltip:N",
        )
    )
    zero = (
        alt.Chart(alt.InlineData(values=[{"zero": 0}]))
        .mark_rule(aria=False, stroke=colour("soft"), strokeWidth=1)
        .encode(y=alt.Y("zero:Q"))
    )
    layers = alt.LayerChart(layer=[bars, zero])
    return draw(layers, label, (width - 44, 210), (36, 22, 8, 26))


def ranks(rows: Rows, label: str, *, width: int) -> str:
    """Draw a bar for each `name` with its `value`, in the order of the rows, and its `text` at the end."""
    left = 160
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y(
            "name:N",
            scale=alt.Scale(domain=[row["name"] for row in rows], paddingInner=0.3),
            axis=alt.Axis(title=None, labelLimit=0, labelColor=colour("ink")),
        ),
        x=alt.X("value:Q", scale=alt.Scale(domainMin=0), axis=None),
        description="tooltip:N",
    )
    bars = base.mark_bar(fill=colour("sun"))
    texts = base.mark_text(align="left", dx=6, fontSize=11, fill=colour("soft")).encode(text="text:N")
    layers = alt.LayerChart(layer=[bars, texts])
    return draw(layers, label, (width - left - 90, 26 * len(rows)), (left, 4, 90, 4))


def draw_both(draw: Any, *args: Any, **more: Any) -> tuple[str, str]:
    """Draw a chart for wide pages and for narrow ones."""
    return draw(*args, width=WIDE, **more), draw(*args, width=NARROW, **more)


def _kwh_axis(ticks: int, **more: Any) -> alt.Axis:
    """Build the axis of an energy, with its unit above it."""
    return alt.Axis(
        title="kWh", tickCount=ticks, titleAngle=0, titleAlign="left", titleY=-10, titleX=-30, **more
    )


def _some_days(rows: Rows, width: int) -> list[int]:
    days = list(dict.fromkeys(row["day"] for row in rows))
    return days if width == WIDE else [day for day in days if day == 1 or day % 5 == 0]
