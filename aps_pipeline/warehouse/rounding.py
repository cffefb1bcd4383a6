"""How far a figure may be off because it was rounded: half a unit of the last decimal that came.

Texts as they came are in the ledger's bodies alone; here they are doubles, which still tell their decimals.
The rules are macros of a session, so that marts and checks share them: SQL of ours may use

    decimals_of(kwh)                          the decimals of one figure, at most 6; null of null
    decimals_of_series(seen, figures, usual)  those of a series, from the most that one of its figures shows
    half_unit(decimals)                       half a unit of the last of so many decimals
"""

from __future__ import annotations

from aps_pipeline.warehouse.described import Connection

ENOUGH_FIGURES = 6
"""That so many different figures end in 0 by chance is one in a million: there is no such decimal then."""

ENOUGH_FOR_FEWER = 24
"""Figures of fewer than 2 decimals have not been met, so that takes more of them."""

_MOST = 6
_MACROS = (
    "decimals_of(kwh) AS CASE "
    + " ".join(f"WHEN abs(round(kwh, {n}) - kwh) < 1e-9 THEN {n}" for n in range(_MOST))
    + f" WHEN kwh IS NOT NULL THEN {_MOST} END",
    # Few figures may end in 0 by chance: they may only show more decimals than usual, not fewer.
    "decimals_of_series(seen, figures, usual) AS"
    f" CASE WHEN figures >= {ENOUGH_FOR_FEWER} THEN seen"
    f" WHEN figures >= {ENOUGH_FIGURES} THEN greatest(seen, least(2, usual))"
    " ELSE greatest(seen, usual) END::INTEGER",
    "half_unit(decimals) AS 0.5::DOUBLE / pow(10, decimals)",
)


def add_macros(connection: Connection) -> None:
    """Make the macros known to a session; the file of the warehouse does not hold them."""
    for macro in _MACROS:
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")
