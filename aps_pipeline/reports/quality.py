"""What is missing of a month and why, whether the levels agree, and the notes on method and units."""

from __future__ import annotations

from collections import Counter

from aps_pipeline.reports import charts
from aps_pipeline.reports.model import Drawing, Finding, Grid, Key, MonthQuery, Row, Section
from aps_pipeline.reports.words import amount, count_words, energy, join_words, long_day

_NOTES = (
    "Energies are in kilowatt-hours (kWh), capacities in kilowatts of panels (kWp). Days, hours and months "
    "are local to each system.",
    "A figure is final if its answer was given after the revision days of its period had ended, and "
    "provisional before. An ECU that was offline may deliver later still: the newest answer counts.",
    "A figure that nobody measured is a dash or an empty frame. It is never 0, and no sum counts it.",
    "Peers of a panel are the other panels of its system that face the same way, if a roof file says how "
    "they do, and all others if not. A day counts where at least two peers gave 0.05 kWh or more in the "
    "median.",
    "A panel is weak below 85 % of its peers in the median of the days compared. An input is dead below 5 % "
    "of them on the newest days while another input of its inverter gives more, or if it has a lifetime, and "
    "no day held has energy of it. It counts as unused only where an answer gives it no lifetime. An "
    "inverter is silent only where answers about its ECU are held. All others are unknown, and say why. The "
    "loss is what the median of the peers gave more.",
    "This month is compared with the same month of the year before on the days that are final in both.",
    "A month without clouds is computed from the position given for the system (pvlib, Ineichen's clear "
    "sky), less 14 % for the plant itself. Without a position there is no such figure.",
    "Everything here is read from the warehouse, whose tables say the same to anybody who asks them.",
)

_COVERAGE = """
    SELECT table_name, period, first_date, state, call_id, error
    FROM mart.coverage
    WHERE system_id = $system_id AND first_date BETWEEN $first AND $last
    ORDER BY table_name, first_date
"""
_RECONCILIATION = """
    SELECT
        comparison,
        count(*) AS periods,
        count(*) FILTER (finding IN ('agrees', 'rounding')) AS agreeing,
        count(*) FILTER (finding = 'missing') AS missing,
        count(*) FILTER (finding = 'not final') AS not_final,
        count(*) FILTER (finding = 'mismatch') AS mismatches,
        max(abs(residual_kwh)) AS largest_kwh
    FROM mart.reconciliation
    WHERE system_id = $system_id AND starts_with(period, strftime($month, '%Y-%m'))
    GROUP BY comparison
    ORDER BY comparison
"""
_REVISIONS = """
    SELECT count(*) AS answers, count(*) FILTER (was_over) AS late
    FROM meta.revisions
    WHERE system_id = $system_id AND starts_with(period, strftime($month, '%Y-%m'))
"""

_MISSING = ("not asked", "no data", "beyond retention", "refused", "failed", "partial")


def quality(query: MonthQuery) -> Section:
    """Build the section on coverage by day, reasons, reconciliation and revisions."""
    periods = query.rows(_COVERAGE)
    days = [row for row in periods if len(row["period"]) == 10]
    return Section(
        "quality",
        "Data quality",
        "What is held of this month, what is missing, and why, as far as answers say. What has not been "
        "asked for may be no part of what is collected, or wait for the quota. Absent is never 0.",
        _findings(query.system_id, periods, query.row(_REVISIONS)),
        [_coverage_matrix(query, days)] if days else [],
        [_reasons(periods), _reconciliation(query.rows(_RECONCILIATION))],
    )


def method() -> Section:
    """Build the section on method and units."""
    return Section("method", "Method and units", notes=_NOTES)


def _findings(system_id: str, periods: list[Row], revisions: Row | None) -> list[Finding]:
    findings = []
    bad = [row for row in periods if row["state"] in ("refused", "failed")]
    if bad:
        tables = sorted({row["table_name"] for row in bad})
        findings.append(
            Finding(
                "bad",
                f"{count_words(len(bad), 'period')} refused or failed",
                f"In {join_words(tables[:6])}: {bad[0]['error'] or bad[0]['state']}",
                f"aps backfill --from {bad[0]['first_date']} --to {bad[0]['first_date']} --tables "
                f"{bad[0]['table_name']} --systems {system_id} --again asks for the first of them again; "
                "meta.calls shows what was answered.",
            )
        )
    if revisions and revisions["late"]:
        findings.append(
            Finding(
                "",
                f"{count_words(revisions['late'], 'answer')} changed after the period was over",
                "The figures here are the newest. meta.revisions counts what changed.",
            )
        )
    return findings


def _coverage_matrix(query: MonthQuery, days: list[Row]) -> Drawing:
    lines = sorted({row["table_name"] for row in days if row["state"] != "not applicable"})
    columns = [str(day + 1) for day in range(query.last.day)]
    cells = [
        {
            "column": str(row["first_date"].day),
            "line": row["table_name"],
            "step": row["state"],
            "tooltip": f"{row['table_name']}, {long_day(row['first_date'])}: {row['state']}",
        }
        for row in days
        if row["table_name"] in lines
    ]
    content = (cells, charts.STATES, columns, lines, "State of each table by day")
    shown = ["1", "5", "10", "15", "20", "25", "30"]
    wide = charts.cells(*content, width=charts.WIDE, left=160, height=18, shown=shown)
    narrow = charts.cells(*content, width=charts.NARROW, left=138, height=18, shown=["1", "10", "20", "30"])
    states = {row["state"] for row in days}
    keys = [
        Key("absent" if swatch == "paper" else swatch, state)
        for state, swatch in charts.STATES.items()
        if state in states
    ]
    return Drawing("What is held, by day", wide, narrow, keys)


def _reasons(periods: list[Row]) -> Grid:
    counts: dict[str, Counter[str]] = {}
    for row in periods:
        counts.setdefault(row["table_name"], Counter())[row["state"]] += 1
    rows = []
    for table, states in counts.items():
        due = states.total() - states["not applicable"] - states["not yet due"]
        if states["present"] < due:
            missing = [f"{states[state]} {state}" for state in _MISSING if states[state]]
            rows.append([table, f"{states['present']} of {due}", ", ".join(missing)])
    return Grid(("Table", "Periods present", "The others"), rows, (False, True, False))


def _reconciliation(comparisons: list[Row]) -> Grid:
    counts = {
        "periods": "Compared",
        "agreeing": "Agree",
        "missing": "Parts missing",
        "not_final": "Not final",
        "mismatches": "Disagree",
    }
    rows = [
        [row["comparison"], *(amount(row[name], 0) for name in counts), energy(row["largest_kwh"])]
        for row in comparisons
    ]
    columns = ("Do the levels agree?", *counts.values(), "At most")
    return Grid(columns, rows, (False,) + (True,) * 6)
