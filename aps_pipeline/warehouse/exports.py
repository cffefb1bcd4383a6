"""Energy for other programs: whole days only, without the hours and days that are absent.

A day is whole when its answer was given after it had ended. Within its revision days it may still change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from aps_pipeline.warehouse.ddl import Connection

# The sum runs over all hours held, so that a later export goes on where an earlier one ended. An hour that a
# spring night skips begins with the next one.
_HOURS = """
WITH hours AS (
    SELECT
        hours.start_utc,
        min(hours.date) AS date,
        sum(hours.energy_kwh::DECIMAL(28, 6)) AS energy_kwh
    FROM core.system_hourly_energy AS hours
    JOIN mart.local_days AS days USING (system_id, date)
    JOIN meta.calls AS calls USING (call_id)
    WHERE system_id = $system_id AND hours.energy_kwh IS NOT NULL AND calls.sent_utc >= days.end_utc
    GROUP BY hours.start_utc
),

summed AS (
    SELECT *, sum(energy_kwh) OVER (ORDER BY start_utc) AS sum_kwh
    FROM hours
)

SELECT start_utc, energy_kwh::DOUBLE, sum_kwh::DOUBLE
FROM summed
WHERE date BETWEEN $first AND $last
ORDER BY start_utc
"""

_DAYS = """
SELECT date, daily.energy_kwh
FROM core.system_daily_energy AS daily
JOIN mart.local_days AS days USING (system_id, date)
JOIN meta.calls AS calls USING (call_id)
WHERE
    system_id = $system_id
    AND date BETWEEN $first AND $last
    AND daily.energy_kwh IS NOT NULL
    AND calls.sent_utc >= days.end_utc
ORDER BY date
"""


@dataclass(frozen=True)
class HourOfEnergy:
    """An hour that was measured, and the sum of all hours held up to its end."""

    start_utc: datetime
    energy_kwh: float
    sum_kwh: float


@dataclass(frozen=True)
class DayOfEnergy:
    """A local day that was measured."""

    date: date
    energy_kwh: float


def hours_of_energy(connection: Connection, system_id: str, first: date, last: date) -> list[HourOfEnergy]:
    """List the hours of a system that have a number, of whole local days from `first` to `last`."""
    rows = connection.execute(_HOURS, {"system_id": system_id, "first": first, "last": last}).fetchall()
    return [HourOfEnergy(*row) for row in rows]


def days_of_energy(connection: Connection, system_id: str, first: date, last: date) -> list[DayOfEnergy]:
    """List the whole local days of a system that have a number, from `first` to `last`."""
    rows = connection.execute(_DAYS, {"system_id": system_id, "first": first, "last": last}).fetchall()
    return [DayOfEnergy(*row) for row in rows]


def zone_name_of(connection: Connection, system_id: str) -> str:
    """Look up the time zone of a system; UTC where it is not known."""
    statement = "SELECT zone FROM mart.system_zones WHERE system_id = ?"
    found = connection.execute(statement, [system_id]).fetchone()
    return str(found[0]) if found else "UTC"
