"""What is missing of a month and why, and whether the levels agree."""

from __future__ import annotations

from aps_pipeline.reports import charts
from aps_pipeline.reports.asking import Asker, Row, month_after
from aps_pipeline.reports.model import Drawing, Finding, Grid, Key, Section
from aps_pipeline.reports.words import amount, counted, energy, listed, long_day

_COVERAGE = """
    SELECT table_name, period, first_date, state, call_id, error
    FROM mart.coverage
    WHERE system_id = $system_id AND first_date BETWEEN $first AND $last
    ORDER BY table_name, first_date
"""
_RECONCILED = """
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
_REVISED = """
    SELECT count(*) AS answers, count(*) FILTER (was_over) AS late
    FROM meta.revisions
    WHERE system_id = $system_id AND starts_with(period, strftime($month, '%Y-%m'))
"""

_BAD = {"refused", "failed"}
_MISSING = ("not asked", "no data", "beyond retention", "refused", "failed", "partial")


def quality(asker: Asker) -> Section:
    """Coverage of every table by day, the reasons, reconciliation and revisions."""
    found = asker.rows(_COVERAGE)
    days = [row for row in found if len(row["period"]) == 10]
    return Section(
        "quality",
        "Data quality",
        "What is held of this month, what is missing, and why, as far as answers say. What has not been "
        "asked for may be no part of what is collected, or wait for the quota. Absent is never 0.",
        _findings(asker.system_id, found, asker.row(_REVISED)),
        [_matrix(asker, days)] if days else [],
        [_reasons(found), _reconciled(asker.rows(_RECONCILED))],
    )


def _findings(system_id: str, found: list[Row], revised: Row | None) -> list[Finding]:
    findings = []
    bad = [row for row in found if row["state"] in _BAD]
    if bad:
        tables = sorted({row["table_name"] for row in bad})
        findings.append(
            Finding(
                "bad",
                f"{counted(len(bad), 'period')} refused or failed",
                f"In {listed(tables[:6])}: {bad[0]['error'] or bad[0]['state']}",
                f"aps backfill --from {bad[0]['first_date']} --to {bad[0]['first_date']} --tables "
                f"{bad[0]['table_name']} --systems {system_id} --again asks for the first of them again; "
                "meta.calls shows what was answered.",
            )
        )
    if revised and revised["late"]:
        findings.append(
            Finding(
                "",
                f"{counted(revised['late'], 'answer')} changed after the period was over",
                "The figures here are the newest. meta.revisions counts what changed.",
            )
        )
    return findings


def _matrix(asker: Asker, days: list[Row]) -> Drawing:
    lines = sorted({row["table_name"] for row in days if row["state"] != "not applicable"})
    count = (month_after(asker.month, 1) - asker.month).days
    columns = [str(n + 1) for n in range(count)]
    cells = [
        {
            "column": str(row["first_date"].day),
            "line": row["table_name"],
            "step": row["state"],
            "said": f"{row['table_name']}, {long_day(row['first_date'])}: {row['state']}",
        }
        for row in days
        if row["table_name"] in lines
    ]
    wide = charts.cells(
        cells, charts.STATES, columns, lines, "State of each table by day",
        width=charts.WIDE, left=160, height=18, shown=["1", "5", "10", "15", "20", "25", "30"],
    )  # fmt: skip
    narrow = charts.cells(
        cells, charts.STATES, columns, lines, "State of each table by day",
        width=charts.NARROW, left=138, height=18, shown=["1", "10", "20", "30"],
    )  # fmt: skip
    states = {row["state"] for row in days}
    keys = [
        Key("absent" if swatch == "paper" else swatch, state)
        for state, swatch in charts.STATES.items()
        if state in states
    ]
    return Drawing("What is held, by day", wide, narrow, keys)


def _reasons(found: list[Row]) -> Grid:
    counts: dict[str, dict[str, int]] = {}
    for row in found:
        states = counts.setdefault(row["table_name"], {})
        states[row["state"]] = states.get(row["state"], 0) + 1
    rows = []
    for table, states in counts.items():
        wanted = sum(n for state, n in states.items() if state not in ("not applicable", "not yet due"))
        if wanted and states.get("present", 0) < wanted:
            missing = [f"{n} {state}" for state in _MISSING if (n := states.get(state))]
            rows.append([table, f"{states.get('present', 0)} of {wanted}", ", ".join(missing)])
    return Grid(("Table", "Periods present", "The others"), rows, (False, True, False))


def _reconciled(found: list[Row]) -> Grid:
    rows = [
        [
            row["comparison"],
            amount(row["periods"], 0),
            amount(row["agreeing"], 0),
            amount(row["missing"], 0),
            amount(row["not_final"], 0),
            amount(row["mismatches"], 0),
            energy(row["largest_kwh"]),
        ]
        for row in found
    ]
    columns = (
        "Do the levels agree?",
        "Compared",
        "Agree",
        "Parts missing",
        "Not final",
        "Disagree",
        "At most",
    )
    return Grid(columns, rows, (False,) + (True,) * 6)
