"""What there is to know of the panels of a system in a month: outages, troubles, and what is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aps_pipeline.reports.asking import Asker, Row
from aps_pipeline.reports.model import Finding
from aps_pipeline.reports.words import counted, days_said, energy, long_day, percent

_OUTAGES = """
    FROM mart.outages
    WHERE system_id = $system_id AND first_date <= $last AND last_date >= $first
    ORDER BY first_date, ecu_id
"""

_GAPS = {
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
"""The classes that cost energy, in the order in which they are told."""
_SAID_LINES = 5


def panel_findings(asker: Asker, judged: Sequence[Row]) -> list[Finding]:
    """The outages of ECUs, then the panels that cost energy, the worst first, then those that are unknown."""
    return [*_outages(asker), *_troubles(judged), *_unknown(judged)]


def troubles_said(classes: Mapping[str, int]) -> str:
    """What is wrong with so many panels of each class, in a few words; empty where nothing is."""
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
        *(_weak(row) for row in worst if row["class"] != "offline"),
    ]


def _offline(inverter_id: str, rows: Sequence[Row]) -> Finding:
    last = max((row["last_energy_date"] for row in rows if row["last_energy_date"]), default=None)
    since = f"Its last energy was on {long_day(last)}." if last else "No day held has energy of it."
    return Finding(
        "bad",
        f"Inverter {inverter_id} is silent",
        f"On the newest days with an answer about its ECU none of its {counted(len(rows), 'panel')} gave "
        f"energy, while others did. {since}",
        "Look whether it has power, and whether the ECU hears it.",
    )


def _weak(row: Row) -> Finding:
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
        f"Median of {counted(row['days_compared'], 'day')}.{lost}{basis}",
        "Look for shade, dirt or a broken panel.",
    )


def _unknown(judged: Sequence[Row]) -> list[Finding]:
    """Panels of which nobody can tell how they are, why, and what would tell it."""
    found = [row for row in judged if row["class"] == "unknown"]
    if not found:
        return []
    shown = "; ".join(f"{panel_name(row)}: {row['evidence']}" for row in found[:_SAID_LINES])
    more = f"; and {len(found) - _SAID_LINES} more" if len(found) > _SAID_LINES else ""
    asks = any("lifetime" in row["evidence"] for row in found)
    hint = f"aps refresh --tables inverter_summary --systems {found[0]['system_id']} asks for lifetimes."
    title = f"{counted(len(found), 'panel')} cannot be judged"
    return [Finding("", title, f"{shown}{more}.", hint if asks else "")]


def _outages(asker: Asker) -> list[Finding]:
    found = []
    for row in asker.rows(_OUTAGES):
        when = days_said(row["first_date"], row["last_date"])
        if row["kind"] == "telemetry gap":
            text = f"What its panels gave is not known: {_GAPS.get(row['state'], row['state'])}."
            hint = _asks_again(row)
            found.append(Finding("", f"ECU {row['ecu_id']}: no telemetry, {when}", text, hint))
        else:
            why = _GAPS.get(row["state"], row["state"])
            text = f"Answers given after the revision days of {counted(row['days'], 'day')} say so: {why}."
            hint = "Look at the log of the ECU, its power and its network at that time; it may deliver later."
            found.append(Finding("warn", f"ECU {row['ecu_id']}: no production reported, {when}", text, hint))
    return found


def _asks_again(row: Row) -> str:
    """The command that asks for the days of a telemetry gap, as far as asking may help."""
    if row["state"] not in ("not asked", "failed", "no data", "beyond retention"):
        return ""
    again = "" if row["state"] in ("not asked", "failed") else " --again"
    return (
        f"aps backfill --from {row['first_date']} --to {row['last_date']} --tables inverter_batch_energy"
        f" --systems {row['system_id']}{again} asks for it."
    )


def panel_name(row: Row) -> str:
    """What people call a panel: its label on the roof, or inverter and input."""
    plain = f"inverter {row['inverter_id']}, input {row['channel']}"
    return f"Panel {row['label']} ({plain})" if row["label"] else f"I{plain[1:]}"
