-- check.above_capacity: hours of a system with more energy than 1.3 times its installed capacity could make in that
--   time. Sun beside clouds and cold modules give more than the rated power for minutes; 1.3 leaves room for an
--   hour of that and for rounding. Of a system the largest capacity that it is known to have had counts; without one
--   nothing is compared. The hour that an autumn night repeats lasts 2 hours.
-- severity: warning
-- advice: Look at the call in meta.calls and at core.system_capacity: the capacity that is entered at APsystems may be
--   too small, or the hour wrong; then leave it out of sums and ask APsystems.
WITH capacities AS (
    SELECT system_id, capacity_kw FROM core.systems
    UNION ALL
    SELECT system_id, capacity_kw FROM core.system_capacity
),

largest AS (
    SELECT system_id, max(capacity_kw) AS capacity_kw
    FROM capacities
    WHERE capacity_kw > 0
    GROUP BY system_id
)

SELECT
    hours.*,
    largest.capacity_kw,
    round(1.3 * largest.capacity_kw * greatest(1, epoch(end_utc - start_utc) / 3600), 6) AS limit_kwh
FROM core.system_hourly_energy AS hours
JOIN largest USING (system_id)
WHERE energy_kwh > limit_kwh
ORDER BY energy_kwh / limit_kwh DESC, system_id, date, hour
