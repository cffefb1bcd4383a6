"""The panels of a system beside their peers in a month, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date

from aps_pipeline.reports import charts
from aps_pipeline.reports.model import Drawing, Grid, Key, MonthQuery, Number, Row, Section, Tone, month_after
from aps_pipeline.reports.panel_findings import panel_findings, panel_name, trouble_words
from aps_pipeline.reports.words import (
    ABSENT,
    amount,
    count_words,
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
_YEAR = """
    SELECT place, month, ratio, class
    FROM mart.panel_month
    WHERE system_id = $system_id AND month BETWEEN $year_before AND $month
"""

_SHOWN_LINES = 40
_LONGEST_NAME = 17
_LONGEST_LABEL = 8


def panels(query: MonthQuery) -> tuple[Number, Section]:
    """Count the panels that are fine, and build the section with findings, map and heat map."""
    rows = query.rows(_PANELS)
    in_use = [row for row in rows if row["class"] not in ("removed", "unused channel")]
    unused = [row for row in rows if row["class"] == "unused channel"]
    notes = [f"{panel_name(row)} counts as unused: {row['evidence']}." for row in unused[:_SHOWN_LINES]]
    section = Section(
        "panels",
        "Panels",
        "" if rows else "No panel has a figure in this month.",
        panel_findings(query, in_use),
        [*_map(in_use), *_heat_map(query, in_use, rows)],
        notes=notes,
    )
    return panels_number(Counter(row["class"] for row in in_use)), section


def panels_number(classes: Mapping[str, int], more: str = "") -> Number:
    """Count the fine panels among all; the note names unknown ones, which count as neither."""
    every = sum(classes.values())
    unknown = classes.get("unknown", 0)
    if not every:
        return Number("Panels fine", ABSENT, note="no panel has a figure")
    if every == unknown:
        return Number("Panels fine", ABSENT, note=f"of {count_words(every, 'panel')} none could be judged")
    fine = classes.get("fine", 0)
    parts = [trouble_words(classes), f"{unknown} unknown" if unknown else ""]
    note = ", ".join(filter(None, parts)) or "none weak, dead or silent"
    tone: Tone = "good" if fine == every else "bad" if fine < every - unknown else ""
    return Number("Panels fine", str(fine), f"of {every}", note + more, every - unknown, every, tone)


def _short_name(row: Row) -> str:
    return str(row["label"] or row["place"])


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


def _map(panels: list[Row]) -> list[Drawing]:
    """Draw the roof from above, if the roof file gives places."""
    placed = [row for row in panels if row["roof_row"] is not None and row["roof_column"] is not None]
    if not placed:
        return []
    lines = _range(row["roof_row"] for row in placed)
    columns = _range(row["roof_column"] for row in placed)
    cells = []
    for row in placed:
        label = row["label"] or ""
        if len(label) > _LONGEST_LABEL:  # what fits: its beginning, and its end, where numbers are
            label = f"{label[:3]}…{label[-4:]}"
        lost = f", {energy(row['loss_kwh'])} lost" if row["loss_kwh"] is not None else ""
        cell = {
            "column": str(row["roof_column"]),
            "line": str(row["roof_row"]),
            "step": charts.ratio_step(row["ratio"], row["class"] == "offline"),
            "text": label,
            "tooltip": f"{panel_name(row)}: {row['class']}, {percent(row['ratio'])} of its peers{lost}",
        }
        cells.append(cell)
    wide, narrow = charts.draw_both(
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


def _heat_map(query: MonthQuery, in_use: list[Row], rows: list[Row]) -> list[Drawing]:
    """Draw twelve months of each panel in use, the worst of this month first."""
    shown = in_use[:_SHOWN_LINES]
    lines = short_names(map(_short_name, shown), _LONGEST_NAME)
    months = [month_after(query.month, n - 11) for n in range(12)]
    known = {(row["place"], row["month"]): row for row in query.rows(_YEAR)}
    cells = [
        {
            "column": short_month(month),
            "line": line,
            **_month_cell(_short_name(row), month, known.get((row["place"], month))),
        }
        for line, row in zip(lines, shown, strict=True)
        for month in months
    ]
    if not any(cell["step"] != "absent" for cell in cells):
        return []
    columns = [short_month(month) for month in months]
    content = (cells, charts.RATIOS, columns, lines, "Each panel month by month")
    wide = charts.cells(*content, width=charts.WIDE, left=130)
    narrow = charts.cells(*content, width=charts.NARROW, left=118, shown=[columns[n] for n in (0, 5, 11)])
    more = len(in_use) - len(shown)
    caption = "Median over the days of a month of energy over the median of the peers; the worst first."
    caption += f" {count_words(more, 'other panel')} are not drawn." if more > 0 else ""
    keys = _keys({cell["step"] for cell in cells})
    return [Drawing("Beside their peers", wide, narrow, keys, caption, _grid(rows))]


def _month_cell(name: str, month: date, row: Row | None) -> dict[str, str]:
    """Choose the colour and the tooltip of one month of a panel."""
    start = f"{name}, {short_month(month)}: "
    if row is None:
        return {"step": "absent", "tooltip": f"{start}no figure"}
    is_silent = row["class"] == "offline"
    text = "silent at the end" if is_silent else f"{percent(row['ratio'])} of its peers"
    return {"step": charts.ratio_step(row["ratio"], is_silent), "tooltip": f"{start}{text}"}


def _range(positions: Iterable[int]) -> list[int]:
    """List the positions from first to last; gaps are included where a drawing has room for them."""
    used = sorted(set(positions))
    every = list(range(used[0], used[-1] + 1))
    return every if len(every) <= _SHOWN_LINES else used


def _grid(rows: list[Row]) -> Grid:
    return Grid(
        ("Panel", "Inverter", "Input", "Class", "Of its peers", "Days compared", "Energy", "Lost"),
        [
            [
                _short_name(row),
                row["inverter_id"],
                str(row["channel"]),
                row["class"],
                percent(row["ratio"]),
                amount(row["days_compared"], 0),
                energy(row["energy_kwh"]),
                energy(row["loss_kwh"]),
            ]
            for row in rows
        ],
        (False, False, True, False, True, True, True, True),
    )
