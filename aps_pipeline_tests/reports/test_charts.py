"""What is drawn: nothing that a strict page refuses, nothing where nothing was measured."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from aps_pipeline.reports import charts

HOSTILE = """</title></svg><script>alert(1)</script>'"&{{x}}"""
SVG = "{http://www.w3.org/2000/svg}"


def bars(*energies: float | None) -> str:
    rows = [
        {"day": n, "kwh": kwh, "before": None, "clear": None, "is_final": True, "tooltip": f"day {n}"}
        for n, kwh in enumerate(energies, 1)
    ]
    return charts.day_bars(rows, "Days", width=charts.WIDE, most=2.0)


def cells(tooltip: str = "x", step: str = "s1", line: str = "Jan 25") -> str:
    row = {"column": "1", "line": line, "step": step, "tooltip": tooltip}
    return charts.cells([row], charts.RAMP, ["1", "2"], [line], "Cells", width=charts.NARROW, left=60)


def filled(svg: str) -> list[str]:
    return [e.attrib["fill"] for e in ElementTree.fromstring(svg).iter() if "var(--sun" in e.get("fill", "")]


def test_a_drawing_holds_nothing_that_a_strict_policy_refuses() -> None:
    for svg in (bars(1.0, 2.0), cells()):
        for element in ElementTree.fromstring(svg).iter():
            assert element.tag.removeprefix(SVG) in {"svg", "g", "path", "line", "rect", "text", "title"}
            assert not {"style", "href", "id", "class"} & element.attrib.keys()
            assert not any(name.startswith("on") for name in element.attrib)


def test_texts_that_want_to_be_more_stay_texts() -> None:
    svg = cells(tooltip=HOSTILE, line=HOSTILE)
    assert "<script" not in svg
    root = ElementTree.fromstring(svg)
    assert HOSTILE in [title.text for title in root.iter(f"{SVG}title")]


def titles(svg: str) -> list[str | None]:
    return [title.text for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]


def test_each_bar_and_cell_has_its_words_and_nothing_else_has_any() -> None:
    rows = [
        {"day": n, "kwh": 1.0, "before": None, "clear": 2.0, "is_final": True, "tooltip": f"day {n}"}
        for n in (1, 2, 3)
    ]
    assert titles(charts.day_bars(rows, "Days", width=charts.WIDE, most=2.0)) == ["day 1", "day 2", "day 3"]
    assert titles(cells(tooltip="a cell")) == ["a cell"]
    hours = [{"hour": n, "median": 1.0, "p10": 0.5, "p90": 2.0, "tooltip": f"hour {n}"} for n in range(24)]
    assert titles(charts.profile(hours, "Hours", width=charts.WIDE)) == [f"hour {n}" for n in range(24)]
    flow = [{"day": 1, "part": "used", "kwh": 1.0, "rank": 0, "tooltip": "used"}]
    assert titles(charts.flows(flow, "Flows", width=charts.WIDE, parts={"used": "own"})) == ["used"]


def test_a_day_without_a_figure_has_no_bar_and_a_cross() -> None:
    assert len(filled(bars(1.0, None, 2.0))) == 2
    assert "×" in bars(1.0, None, 2.0)
    assert "×" not in bars(1.0, 0.0, 2.0)


def test_a_cell_without_a_figure_is_an_empty_frame() -> None:
    assert filled(cells(step="absent")) == []
    assert "stroke-dasharray" in cells(step="absent")
    assert filled(cells(step="s0")) == ["var(--sun-0)"]


def test_equal_figures_give_equal_bytes() -> None:
    assert bars(1.0, 0.1 + 0.2) == bars(1.0, 0.1 + 0.2)


@pytest.mark.parametrize(
    ("value", "step"),
    [(None, "absent"), (0.0, "s0"), (0.01, "s1"), (5.0, "s4"), (9.99, "s6"), (10.0, "s6"), (-1.0, "s0")],
)
def test_steps_of_energy(value: float | None, step: str) -> None:
    assert charts.step_of(value, 10.0) == step


@pytest.mark.parametrize(
    ("ratio", "step"),
    [(None, "absent"), (0.0, "r0"), (0.05, "r1"), (0.5, "r2"), (0.84, "r2"), (0.85, "r3"), (1.0, "r4")],
)  # fmt: skip
def test_steps_of_a_ratio_are_those_of_the_classes(ratio: float | None, step: str) -> None:
    assert charts.ratio_step(ratio) == step
