"""How the panels of a system did beside their peers in a month: the worst first, in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date

from aps_pipeline.reports import charts
from aps_pipeline.reports.asking import Asker, Row, month_after
from aps_pipeline.reports.model import Drawing, Grid, Key, Number, Section, Tone
from aps_pipeline.reports.panel_findings import panel_findings, panel_name, troubles_said
from aps_pipeline.reports.words import (
    ABSENT,
    amount,
    counted,
    energy,
    percent,
    short_month,
    short_names,
)

_PANELS = """
    SELECT panels.*, places.roof_row, places.roof_column
    FROM mart.panel_month AS panels
    LEFT JOIN meta.panels AS places USING (system_id, inverter_id, channel)
    WHERE system_id = $system_id AND month = $month
    ORDER BY
        list_position(['offline', 'dead input', 'weak'], class) NULLS LAST,
        ratio NULLS LAST,
        ecu_id,
        inverter_id,
        channel
"""
_HEAT = """
    SELECT place, month, ratio, class
    FROM mart.panel_month
    WHERE system_id = $system_id AND month BETWEEN $year_before AND $month
"""

_SHOWN_LINES = 40
_LONGEST_NAME = 17
_IN_A_CELL = 8


def panels(asker: Asker) -> tuple[Number, Section]:
    """How many are fine, and the section with findings, map and heat map."""
    found = asker.rows(_PANELS)
    judged = [row for row in found if row["class"] not in ("removed", "unused channel")]
    findings = panel_findings(asker, judged)
    drawings = [*_map(judged), *_heat(asker, found)] if found else []
    notes = []
    if unused := [row for row in found if row["class"] == "unused channel"]:
        notes += [f"{panel_name(row)} counts as unused: {row['evidence']}." for row in unused[:_SHOWN_LINES]]
    lead = "" if found else "No panel has a figure in this month."
    number = panels_number(Counter(row["class"] for row in judged))
    return number, Section("panels", "Panels", lead, findings, drawings, [], notes)


def panels_number(classes: Mapping[str, int], more: str = "") -> Number:
    """How many are fine of all that there are; what is unknown of them is said, and counts as neither."""
    every = sum(classes.values())
    unknown = classes.get("unknown", 0)
    if not every:
        return Number("Panels fine", ABSENT, note="no panel has a figure")
    if every == unknown:
        return Number("Panels fine", ABSENT, note=f"of {counted(every, 'panel')} none could be judged")
    fine = classes.get("fine", 0)
    said = [troubles_said(classes), f"{unknown} unknown" if unknown else ""]
    note = ", ".join(filter(None, said)) or "none weak, dead or silent"
    tone: Tone = "good" if fine == every else "bad" if fine < every - unknown else ""
    return Number("Panels fine", str(fine), f"of {every}", note + more, every - unknown, every, tone)


def _short(row: Row) -> str:
    return str(row["label"] or row["place"])


def _said(row: Row) -> str:
    lost = f", {energy(row['loss_kwh'])} lost" if row["loss_kwh"] is not None else ""
    return f"{panel_name(row)}: {row['class']}, {percent(row['ratio'])} of its peers{lost}"


_KEYS = {
    "r0": Key("ratio-0", "below 5 %"),
    "r1": Key("ratio-1", "below half"),
    "r2": Key("ratio-2", "below 85 %"),
    "r3": Key("ratio-3", "below 95 %"),
    "r4": Key("ratio-4", "as its peers"),
    "r5": Key("ratio-5", "above 105 %"),
    "silent": Key("silent", "silent at the end"),
    "absent": Key("absent", "not compared"),
}


def _keys(steps: set[str]) -> list[Key]:
    return [key for step, key in _KEYS.items() if step in steps]


def _map(judged: list[Row]) -> list[Drawing]:
    """The roof seen from above, if the roof file gives places."""
    placed = [row for row in judged if row["roof_row"] is not None and row["roof_column"] is not None]
    if not placed:
        return []
    lines = _range(row["roof_row"] for row in placed)
    columns = _range(row["roof_column"] for row in placed)
    cells = [
        {
            "column": str(row["roof_column"]),
            "line": str(row["roof_row"]),
            "step": charts.ratio_step(row["ratio"], row["class"] == "offline"),
            "text": _in_a_cell(row["label"] or ""),
            "said": _said(row),
        }
        for row in placed
    ]
    wide, narrow = charts.both(
        charts.cells,
        cells,
        charts.RATIOS,
        [str(column) for column in columns],
        [str(line) for line in lines],
        "The panels on the roof, each beside its peers",
        left=0,
        shown=[],
        is_square=True,
        texts=True,
    )
    keys = _keys({cell["step"] for cell in cells})
    return [Drawing("The roof", wide, narrow, keys, "Energy of the month beside the peers of each panel.")]


def _heat(asker: Asker, found: list[Row]) -> list[Drawing]:
    """Twelve months of each panel, the worst of this month first."""
    drawn = [row for row in found if row["class"] not in ("removed", "unused channel")]
    shown = drawn[:_SHOWN_LINES]
    lines = short_names(map(_short, shown), _LONGEST_NAME)
    months = [month_after(asker.month, n - 11) for n in range(12)]
    known = {(row["place"], row["month"]): row for row in asker.rows(_HEAT)}
    cells = [
        {
            "column": short_month(month),
            "line": line,
            **_step(_short(row), month, known.get((row["place"], month))),
        }
        for line, row in zip(lines, shown, strict=True)
        for month in months
    ]
    if not any(cell["step"] != "absent" for cell in cells):
        return []
    columns = [short_month(month) for month in months]
    wide = charts.cells(
        cells, charts.RATIOS, columns, lines, "Each panel month by month",
        width=charts.WIDE, left=130,
    )  # fmt: skip
    narrow = charts.cells(
        cells, charts.RATIOS, columns, lines, "Each panel month by month",
        width=charts.NARROW, left=118, shown=[columns[0], columns[5], columns[11]],
    )  # fmt: skip
    more = len(drawn) - len(shown)
    caption = "Median over the days of a month of energy over the median of the peers; the worst first."
    caption += f" {counted(more, 'other panel')} are not drawn." if more > 0 else ""
    keys = _keys({cell["step"] for cell in cells})
    return [Drawing("Beside their peers", wide, narrow, keys, caption, _grid(found))]


def _in_a_cell(label: str) -> str:
    """As much of a label as a cell has room for: its beginning and its end, where numbers are."""
    return label if len(label) <= _IN_A_CELL else f"{label[:3]}…{label[-4:]}"


def _step(name: str, month: date, row: Row | None) -> dict[str, str]:
    """The colour and the words of one month of a panel."""
    said = f"{name}, {short_month(month)}: "
    if row is None:
        return {"step": "absent", "said": f"{said}no figure"}
    is_silent = row["class"] == "offline"
    said += "silent at the end" if is_silent else f"{percent(row['ratio'])} of its peers"
    return {"step": charts.ratio_step(row["ratio"], is_silent), "said": said}


def _range(positions: Iterable[int]) -> list[int]:
    """From the first to the last position, gaps included, as far as a drawing can show them."""
    found = sorted(set(positions))
    every = list(range(found[0], found[-1] + 1))
    return every if len(every) <= _SHOWN_LINES else found


def _grid(found: list[Row]) -> Grid:
    return Grid(
        ("Panel", "Inverter", "Input", "Class", "Of its peers", "Days compared", "Energy", "Lost"),
        [
            [
                _short(row),
                row["inverter_id"],
                str(row["channel"]),
                row["class"],
                percent(row["ratio"]),
                amount(row["days_compared"], 0),
                energy(row["energy_kwh"]),
                energy(row["loss_kwh"]),
            ]
            for row in found
        ],
        (False, False, True, False, True, True, True, True),
    )
