"""The charts of a page, each drawn for a wide and for a narrow one. Absent figures are drawn as absent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from aps_pipeline.reports.drawing import colour, drawn, scale, values

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
    """The step of `RAMP` for an energy, where `most` is the largest on the chart."""
    if value is None:
        return "absent"
    if value <= 0 or most <= 0:
        return "s0"
    return f"s{min(6, 1 + int(6 * value / most))}"


def ratio_step(ratio: float | None, is_silent: bool = False) -> str:
    """The step of `RATIOS` for a ratio to peers, and for a panel that is silent whatever it gave before."""
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
    """A heat map of `rows` with `column`, `line`, `step` and `said`; `shown` are the columns with a label.

    A cell that nobody measured is an empty frame. With `texts` each cell shows its `text`.
    """
    plot = width - left - 4
    if is_square:
        height = max(28, min(64, plot // max(1, len(columns))))
        plot = min(plot, height * len(columns))
    base = alt.Chart(values(rows)).encode(
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
        description="said:N",
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
    return drawn(alt.LayerChart(layer=layers), label, (plot, height * len(lines)), (left, 24, 4, 4))


def day_bars(rows: Rows, label: str, *, width: int, most: float) -> str:
    """Bars by `day` of the month of `kwh`, with a mark at `before` and a line at `clear`."""
    domain = [0, most or 1]
    x = alt.X(
        "day:O",
        scale=alt.Scale(domain=[row["day"] for row in rows], paddingInner=0.25, paddingOuter=0.1),
        axis=alt.Axis(title=None, labelAngle=0, values=_some_days(rows, width), grid=False),
    )
    y = alt.Y(
        "kwh:Q",
        scale=alt.Scale(domain=domain, nice=True),
        axis=_kwh_axis(4),
    )
    base = alt.Chart(values(rows)).encode(x=x, description="said:N")
    bars = base.mark_bar().encode(
        y=y,
        fill=alt.condition("datum.is_final", alt.value(colour("sun")), alt.value(colour("sun-2"))),
    )
    before = (
        base.mark_tick(thickness=2, stroke=colour("before"), fill=colour("before"))
        .transform_filter("isValid(datum.before)")
        .encode(y=alt.Y("before:Q", scale=alt.Scale(domain=domain, nice=True)))
    )
    clear = (
        base.mark_line(
            aria=False, stroke=colour("clear"), strokeWidth=1.5, interpolate="monotone", strokeDash=[3, 3]
        )
        .transform_filter("isValid(datum.clear)")
        .encode(y=alt.Y("clear:Q", scale=alt.Scale(domain=domain, nice=True)))
    )
    missing = (
        base.mark_text(text="×", fontSize=12, fill=colour("faint"), baseline="bottom")
        .transform_filter("!isValid(datum.kwh)")
        .encode(y=alt.value(198))
    )
    layers = alt.LayerChart(layer=[clear, bars, before, missing])
    return drawn(layers, label, (width - 44, 200), (36, 22, 8, 24))


def profile(rows: Rows, label: str, *, width: int) -> str:
    """The usual course of a day: median by `hour`, within the band from `p10` to `p90`."""
    x = alt.X(
        "hour:Q",
        scale=alt.Scale(domain=[0, 23], nice=False),
        axis=alt.Axis(title=None, values=[0, 6, 12, 18, 23], labelExpr="datum.value + ':00'", grid=False),
    )
    base = alt.Chart(values(rows)).encode(x=x)
    band = base.mark_area(aria=False, fill=colour("sun-2"), opacity=0.55, interpolate="monotone").encode(
        y=alt.Y("p10:Q", axis=_kwh_axis(3)), y2="p90:Q"
    )
    line = base.mark_line(aria=False, stroke=colour("sun"), strokeWidth=2.5, interpolate="monotone").encode(
        y="median:Q"
    )
    points = base.mark_circle(size=160, fill=colour("sun"), opacity=0).encode(
        y="median:Q", description="said:N"
    )
    layers = alt.LayerChart(layer=[band, line, points])
    return drawn(layers, label, (width - 52, 160), (36, 22, 16, 24))


def flows(rows: Rows, label: str, *, width: int, parts: dict[str, str]) -> str:
    """Stacked bars by `day` of the `kwh` of each `part`; parts with a negative sign hang below the line."""
    days = list(dict.fromkeys(row["day"] for row in rows))
    x = alt.X(
        "day:O",
        scale=alt.Scale(domain=days, paddingInner=0.25, paddingOuter=0.1),
        axis=alt.Axis(
            title=None, labelAngle=0, values=_some_days(rows, width), grid=False, orient="bottom", offset=2
        ),
    )
    y = alt.Y(
        "kwh:Q",
        stack="zero",
        axis=_kwh_axis(5, labelExpr="abs(datum.value)"),
    )
    bars = (
        alt.Chart(values(rows))
        .mark_bar()
        .encode(
            x=x,
            y=y,
            fill=alt.Fill("part:N", scale=scale(parts), legend=None),
            order=alt.Order("rank:Q"),
            description="said:N",
        )
    )
    zero = (
        alt.Chart(values([{"zero": 0}]))
        .mark_rule(aria=False, stroke=colour("soft"), strokeWidth=1)
        .encode(y=alt.Y("zero:Q"))
    )
    layers = alt.LayerChart(layer=[bars, zero])
    return drawn(layers, label, (width - 44, 210), (36, 22, 8, 26))


def ranks(rows: Rows, label: str, *, width: int) -> str:
    """A bar for each `name` with its `value`, in the order of the rows, and its `text` at the end."""
    left = 160
    base = alt.Chart(values(rows)).encode(
        y=alt.Y(
            "name:N",
            scale=alt.Scale(domain=[row["name"] for row in rows], paddingInner=0.3),
            axis=alt.Axis(title=None, labelLimit=0, labelColor=colour("ink")),
        ),
        x=alt.X("value:Q", scale=alt.Scale(domainMin=0), axis=None),
        description="said:N",
    )
    bars = base.mark_bar(fill=colour("sun"))
    texts = base.mark_text(align="left", dx=6, fontSize=11, fill=colour("soft")).encode(text="text:N")
    layers = alt.LayerChart(layer=[bars, texts])
    return drawn(layers, label, (width - left - 90, 26 * len(rows)), (left, 4, 90, 4))


def both(draw: Any, *args: Any, **more: Any) -> tuple[str, str]:
    """A chart for wide pages and for narrow ones."""
    return draw(*args, width=WIDE, **more), draw(*args, width=NARROW, **more)


def _kwh_axis(ticks: int, **more: Any) -> alt.Axis:
    """The axis of an energy, its unit above it."""
    return alt.Axis(
        title="kWh", tickCount=ticks, titleAngle=0, titleAlign="left", titleY=-10, titleX=-30, **more
    )


def _some_days(rows: Rows, width: int) -> list[int]:
    days = list(dict.fromkeys(row["day"] for row in rows))
    return days if width == WIDE else [day for day in days if day == 1 or day % 5 == 0]
