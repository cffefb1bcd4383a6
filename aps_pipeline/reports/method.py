"""How the figures of a page came about: the same words on every page."""

from __future__ import annotations

from aps_pipeline.reports.model import Section

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


def method() -> Section:
    """Method and units."""
    return Section("method", "Method and units", notes=_NOTES)
