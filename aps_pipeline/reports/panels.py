"""How the panels of a system did beside their peers in a month: the worst first, in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from aps_pipeline.reports import charts
from aps_pipeline.reports.asking import Asker, Row, month_after
from aps_pipeline.reports.model import Drawing, Finding, Grid, Key, Number, Section, Tone
from aps_pipeline.reports.words import (
    ABSENT,
    amount,
    counted,
    days_said,
    energy,
    long_day,
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
_OUTAGES = """
    FROM mart.outages
    WHERE system_id = $system_id AND first_date <= $last AND last_date >= $first
    ORDER BY first_date, ecu_id
"""

_GAPS = {
    "no data": "the API answered that it has no data",
    "not asked": "nobody has asked",
    "beyond retention": "the server no longer keeps it",
    "refused": "the answers could not be read",
    "failed": "the calls failed",
    "zero": "its panels gave 0",
    "no numbers": "the answers name no panel",
    "system at zero": "the whole system gave 0",
}
"""What the states of mart.outages mean."""
TROUBLES = ("offline", "dead input", "weak")
"""The classes that cost energy, in the order in which they are told."""
_SHOWN_LINES = 40
_LONGEST_NAME = 17
_IN_A_CELL = 8


def panels(asker: Asker) -> tuple[Number, Section]:
    """How many are fine, and the section with findings, map and heat map."""
    found = asker.rows(_PANELS)
    judged = [row for row in found if row["class"] not in ("removed", "unused channel")]
    findings = [*_outages(asker), *_findings(judged)]
    drawings = [*_map(judged), *_heat(asker, found)] if found else []
    notes = []
    if unused := sum(row["class"] == "unused channel" for row in found):
        notes.append(f"{counted(unused, 'input')} of an inverter never gave energy and counts as unused.")
    if unknown := sum(row["class"] == "unknown" for row in judged):
        notes.append(f"{counted(unknown, 'panel')} could not be judged: too few days, or none of late.")
    lead = "" if found else "No panel has a figure in this month."
    return _number(judged), Section("panels", "Panels", lead, findings, drawings, [], notes)


def _number(judged: list[Row]) -> Number:
    known = [row for row in judged if row["class"] != "unknown"]
    if not known:
        return Number("Panels", ABSENT, note="none could be compared")
    fine = sum(row["class"] == "fine" for row in known)
    note = troubles_said(Counter(row["class"] for row in known)) or "none weak, dead or silent"
    tone: Tone = "good" if fine == len(known) else "bad"
    return Number("Panels fine", str(fine), f"of {len(known)}", note, len(known), len(judged), tone)


def troubles_said(classes: Mapping[str, int]) -> str:
    """What is wrong with so many panels of each class, in a few words; empty where nothing is."""
    return ", ".join(f"{n} {name}" for name in TROUBLES if (n := classes.get(name)))


def _findings(judged: list[Row]) -> list[Finding]:
    worst = sorted(
        (row for row in judged if row["class"] in TROUBLES),
        key=lambda row: (TROUBLES.index(row["class"]), -(row["loss_kwh"] or 0), row["place"]),
    )
    silent: dict[str, list[Row]] = {}
    for row in worst:
        if row["class"] == "offline":
            silent.setdefault(row["inverter_id"], []).append(row)
    return [
        *(_offline(inverter_id, rows) for inverter_id, rows in silent.items()),
        *(_weak(row) for row in worst if row["class"] != "offline"),
    ]


def _offline(inverter_id: str, rows: Sequence[Row]) -> Finding:
    last = max((row["last_energy_date"] for row in rows if row["last_energy_date"]), default=None)
    since = f"Its last energy was on {long_day(last)}." if last else "No energy of it is held."
    return Finding(
        "bad",
        f"Inverter {inverter_id} is silent",
        f"None of its {counted(len(rows), 'panel')} gave energy on the last days. {since}",
        "Look whether it has power, and whether the ECU still hears it.",
    )


def _weak(row: Row) -> Finding:
    lost = f" About {energy(row['loss_kwh'])} were lost" if row["loss_kwh"] is not None else ""
    basis = f" ({row['loss_basis']})." if lost else ""
    if row["class"] == "dead input":
        last = row["last_energy_date"]
        gives = f"nothing since {long_day(last)}" if last else "nothing at all"
        if row["recent_ratio"]:
            gives = f"{percent(row['recent_ratio'])} of what its peers give"
        return Finding(
            "bad",
            f"{_name(row)} gives {gives}",
            f"Another input of its inverter works.{lost}{basis}",
            "Check its plugs, its cable and the panel itself.",
        )
    return Finding(
        "warn",
        f"{_name(row)} gives {percent(row['ratio'])} of what its peers give",
        f"Median of {counted(row['days_compared'], 'day')}.{lost}{basis}",
        "Look for shade, dirt or a broken panel.",
    )


def _outages(asker: Asker) -> list[Finding]:
    found = []
    for row in asker.rows(_OUTAGES):
        when = days_said(row["first_date"], row["last_date"])
        if row["kind"] == "telemetry gap":
            text = f"Nobody knows what its panels gave: {_GAPS.get(row['state'], row['state'])}."
            hint = "aps backfill asks again." if row["state"] in ("not asked", "failed") else ""
            found.append(Finding("", f"ECU {row['ecu_id']}: no telemetry, {when}", text, hint))
        else:
            why = _GAPS.get(row["state"], row["state"])
            text = f"The answers say so for {counted(row['days'], 'day')}: {why}."
            hint = "Look at the log of the ECU, its power and its network at that time."
            found.append(Finding("warn", f"ECU {row['ecu_id']} gave nothing, {when}", text, hint))
    return found


def _name(row: Row) -> str:
    """What people call a panel: its label on the roof, or inverter and input."""
    plain = f"inverter {row['inverter_id']}, input {row['channel']}"
    return f"Panel {row['label']} ({plain})" if row["label"] else f"I{plain[1:]}"


def _short(row: Row) -> str:
    return str(row["label"] or row["place"])


def _said(row: Row) -> str:
    lost = f", {energy(row['loss_kwh'])} lost" if row["loss_kwh"] is not None else ""
    return f"{_name(row)}: {row['class']}, {percent(row['ratio'])} of its peers{lost}"


_KEYS = {
    "r0": Key("ratio-0", "nothing"),
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
