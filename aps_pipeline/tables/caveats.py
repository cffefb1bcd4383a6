"""What to know before using a number: each caveat once, and tables and marts refer to it by its code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caveat:
    """Something that is true of many tables: a code, one short sentence, and what follows from it."""

    code: str
    title: str
    text: str

    @property
    def comment(self) -> str:
        """Code and short sentence, as they stand beside every table that it applies to."""
        return f"{self.code}: {self.title}"


ABSENT_IS_NOT_ZERO = Caveat(
    "absent_is_not_zero",
    "What was not given is null or has no row, and is never 0.",
    "A measured 0 is a number. null is a number that the API did not give, a missing row something that"
    " it did not name. No sum here counts either as 0, and `mart.coverage` says why it is missing.",
)
LOCAL_HOUR = Caveat(
    "local_hour",
    "Hours are those of the system's own clock: a skipped one lasts 0, a repeated one 2 hours.",
    "`date` and `hour` are what a clock at the system shows; `start_utc` and `end_utc` are the instants."
    " On the day that clocks go forward an hour of length 0 stands in its place, on the day that they go"
    " back one of 2 hours. Compare systems of different zones by instants, days of one system by its"
    " hours.",
)
PARTIAL_DAY = Caveat(
    "partial_day",
    "Of a day that was running when it was asked for, only what had begun has rows.",
    "The hours to come have no row, and the last one is still growing. `coverage` in"
    " `mart.daily_production` is the share of the hours that have a number. A refresh after its end asks for"
    " the whole day.",
)
PROVISIONAL = Caveat(
    "provisional",
    "A figure given before the revision days of its period had ended is provisional, a later one is final.",
    "`is_final`, or `state` in a mart, says which (`APS_REVISION_DAYS`, 5 unless set). Leave provisional"
    " periods out of comparisons. Final says when the answer was given, not that no other will come: see"
    " `late_data`.",
)
LATE_DATA = Caveat(
    "late_data",
    "An ECU that was offline delivers days late, so a low figure may still rise.",
    "An ECU keeps what its inverters report while it has no connection, and sends it afterwards, which may"
    " be weeks later. A refresh asks again for days whose figures have changed since or contradict one"
    " another; `aps backfill --again` asks for any period once more.",
)
VENDOR_CORRECTION = Caveat(
    "vendor_correction",
    "APsystems may correct what it once gave; the newest answer with data is shown.",
    "Every answer is kept. `meta.revisions` lists what a newer one changed, when and by how much, and"
    " `call_id` leads from a row to its call.",
)
CHANNEL_IS_NOT_PANEL_POSITION = Caveat(
    "channel_is_not_panel_position",
    "A channel is an input of the inverter, not a place on the roof.",
    "Which panel hangs on which input is known to the installer. Neighbouring numbers need not be"
    " neighbours.",
)
REPLACED_DEVICE = Caveat(
    "replaced_device",
    "A device that was replaced keeps its row; gone_utc is when an answer first named it no more.",
    "Its successor is another device with a history of its own, so the panels seem to change their inverter."
    " The moments are those of the answers, not of the work on the roof.",
)
SLOT_LABEL = Caveat(
    "slot_label",
    "A label is the local time at the end of its slot; end_utc is made from it, never from its position.",
    "A slot that ends with the day is labelled 00:00. Where autumn repeats an hour, a label that is met"
    " again has `fold` 1; one that stands only once is taken for the first time.",
)
UNEVEN_SLOTS = Caveat(
    "uneven_slots",
    "Slots take 5 to 10 minutes; one without a row was not reported, which is not 0.",
    "Panels report by daylight only, so nights have no rows. Do not fill the gaps, and take the length of"
    " a slot from the one before it.",
)
POWER_IS_NOT_ENERGY = Caveat(
    "power_is_not_energy",
    "Power summed over time runs a few percent above the energies: use those for energy.",
    "The power of a slot is a mean that APsystems rounds, and slots are not equally long.",
)
ROUNDED_FIGURES = Caveat(
    "rounded_figures",
    "Each level is rounded by itself, so parts and whole differ by a little.",
    "Most energies have 2 decimals, those of panels 6, of meters 3; `mart.decimals` says what came."
    " `mart.reconciliation` tells a difference that rounding can explain from one that it cannot.",
)

CAVEATS: dict[str, Caveat] = {
    caveat.code: caveat
    for caveat in (
        ABSENT_IS_NOT_ZERO,
        LOCAL_HOUR,
        PARTIAL_DAY,
        PROVISIONAL,
        LATE_DATA,
        VENDOR_CORRECTION,
        ROUNDED_FIGURES,
        REPLACED_DEVICE,
        CHANNEL_IS_NOT_PANEL_POSITION,
        SLOT_LABEL,
        UNEVEN_SLOTS,
        POWER_IS_NOT_ENERGY,
    )
}
"""All of them by code, in the order in which people should meet them."""

ENERGY = (ABSENT_IS_NOT_ZERO, PROVISIONAL, LATE_DATA, VENDOR_CORRECTION)
"""Of every energy of a day or longer."""

HOURS = (LOCAL_HOUR, PARTIAL_DAY, ABSENT_IS_NOT_ZERO, LATE_DATA, VENDOR_CORRECTION)
"""Of every energy of an hour."""

SLOTS = (SLOT_LABEL, UNEVEN_SLOTS, ABSENT_IS_NOT_ZERO, PARTIAL_DAY, LATE_DATA)
"""Of every 5-minute table."""
