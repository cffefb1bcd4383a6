"""Findings on the panels of a system in a month: outages, troubles, and what is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aps_pipeline.reports.model import Finding, MonthQuery, Row
from aps_pipeline.reports.words import count_words, day_range, energy, long_day, percent

_OUTAGES = """
    FROM mart.outages
    WHERE system_id = $system_id AND first_date <= $last AND last_date >= $first
    ORDER BY first_date, ecu_id
"""

_REASONS = {
    "no data": "the API answered that it has no data (1001)",
    "not asked": "no answer is held",
    "beyond retention": "it lies beyond what the server was found to keep",
    "refused": "the answers could not be read",
    "failed": "the calls failed",
    "zero": "0 of all its panels",
    "no numbers": "they give no number of any panel",
    "system at zero": "0 of the whole system",
}
"""What the states of mart.outages mean."""
TROUBLES = ("offline", "dead input", "weak")
"""The classes that cost energy, the worst first."""
_LISTED_PANELS = 5


def panel_findings(query: MonthQuery, judged: Sequence[Row]) -> list[Finding]:
    """List outages of ECUs, then panels that cost energy, the worst first, then unknown panels."""
    return [*_outages(query), *_troubles(judged), *_unknown(judged)]


def trouble_words(classes: Mapping[str, int]) -> str:
    """Say in a few words what is wrong, by the number of panels of each class; empty where nothing is."""
    return ", ".join(f"{n} {name}" for name in TROUBLES if (n := classes.get(name)))


def _troubles(judged: Sequence[Row]) -> list[Finding]:
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
        *(_dead_or_weak(row) for row in worst if row["class"] != "offline"),
    ]


def _offline(inverter_id: str, rows: Sequence[Row]) -> Finding:
    last = max((row["last_energy_date"] for row in rows if row["last_energy_date"]), default=None)
    since = f"Its last energy was on {long_day(last)}." if last else "No day held has energy of it."
    return Finding(
        "bad",
        f"Inverter {inverter_id} is silent",
        f"On the newest days with an answer about its ECU none of its {count_words(len(rows), 'panel')} gave "
        f"energy, while others did. {since}",
        "Look whether it has power, and whether the ECU hears it.",
    )


def _dead_or_weak(row: Row) -> Finding:
    lost = f" About {energy(row['loss_kwh'])} were lost" if row["loss_kwh"] is not None else ""
    basis = f" ({row['loss_basis']})." if lost else ""
    if row["class"] == "dead input":
        since = f" since {long_day(row['since_date'])}" if row["since_date"] else ""
        gives = f"{percent(row['recent_ratio'])} of what its peers give" if row["recent_ratio"] else "nothing"
        return Finding(
            "bad",
            f"{panel_name(row)} gives {gives}{since}",
            f"A dead input: {row['evidence']}.{lost}{basis}",
            "Check its plugs, its cable and the panel itself.",
        )
    return Finding(
        "warn",
        f"{panel_name(row)} gives {percent(row['ratio'])} of what its peers give",
        f"Median of {count_words(row['days_compared'], 'day')}.{lost}{basis}",
        "Look for shade, dirt or a broken panel.",
    )


def _unknown(judged: Sequence[Row]) -> list[Finding]:
    """Find the panels that cannot be judged, why, and what would help."""
    unknown = [row for row in judged if row["class"] == "unknown"]
    if not unknown:
        return []
    listed = "; ".join(f"{panel_name(row)}: {row['evidence']}" for row in unknown[:_LISTED_PANELS])
    more = f"; and {len(unknown) - _LISTED_PANELS} more" if len(unknown) > _LISTED_PANELS else ""
    needs_lifetimes = any("lifetime" in row["evidence"] for row in unknown)
    hint = f"aps refresh --tables inverter_summary --systems {unknown[0]['system_id']} asks for lifetimes."
    title = f"{count_words(len(unknown), 'panel')} cannot be judged"
    return [Finding("", title, f"{listed}{more}.", hint if needs_lifetimes else "")]


def _outages(query: MonthQuery) -> list[Finding]:
    findings = []
    for row in query.rows(_OUTAGES):
        when = day_range(row["first_date"], row["last_date"])
        reason = _REASONS.get(row["state"], row["state"])
        if row["kind"] == "telemetry gap":
            text = f"What its panels gave is not known: {reason}."
            findings.append(Finding("", f"ECU {row['ecu_id']}: no telemetry, {when}", text, _gap_hint(row)))
            continue
        days = count_words(row["days"], "day")
        text = f"Answers given after the revision days of {days} say so: {reason}."
        hint = "Look at the log of the ECU, its power and its network at that time; it may deliver later."
        findings.append(Finding("warn", f"ECU {row['ecu_id']}: no production reported, {when}", text, hint))
    return findings


def _gap_hint(row: Row) -> str:
    """Give the command that requests the days of a telemetry gap, where a request may help."""
    if row["state"] not in ("not asked", "failed", "no data", "beyond retention"):
        return ""
    again = "" if row["state"] in ("not asked", "failed") else " --again"
    return (
        f"aps backfill --from {row['first_date']} --to {row['last_date']} --tables inverter_batch_energy"
        f" --systems {row['system_id']}{again} asks for it."
    )


def panel_name(row: Row) -> str:
    """Name a panel by its label on the roof, or by inverter and input."""
    plain = f"inverter {row['inverter_id']}, input {row['channel']}"
    return f"Panel {row['label']} ({plain})" if row["label"] else f"I{plain[1:]}"
