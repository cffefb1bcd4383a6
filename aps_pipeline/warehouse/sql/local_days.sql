-- mart.local_days: Local days of each system: when they begin and end, and from when an answer about them counts as
--   final
-- grain: one row per system and local day that a table of energy by hour or day has a row for
-- key: system_id, date
-- after: system_zones
-- by_month: core.system_daily_energy, core.system_hourly_energy, core.ecu_daily_energy, core.ecu_hourly_energy,
--   core.inverter_daily_energy, core.inverter_batch_energy
-- caveat: local_hour
-- column system_id: System
-- column date: Local day at the system
-- column start_utc: Midnight that begins it
-- column end_utc: Midnight that ends it, 23 to 25 hours later
-- column final_utc: Its end and the revision days of meta.build: answers of calls sent from then on count as final
WITH days AS (
    SELECT system_id, date FROM core.system_daily_energy
    UNION
    SELECT system_id, date FROM core.system_hourly_energy
    UNION
    SELECT system_id, date FROM core.ecu_daily_energy
    UNION
    SELECT system_id, date FROM core.ecu_hourly_energy
    UNION
    SELECT system_id, date FROM core.inverter_daily_energy
    UNION
    SELECT system_id, date FROM core.inverter_batch_energy
),

zoned AS (
    SELECT days.*, coalesce(zones.zone, 'UTC') AS zone
    FROM days
    LEFT JOIN mart.system_zones AS zones USING (system_id)
)

SELECT
    zoned.system_id,
    zoned.date,
    start_utc,
    end_utc,
    end_utc + to_days(build.revision_days) AS final_utc
FROM zoned
LEFT JOIN meta.zone_days AS bounds ON bounds.timezone = zoned.zone AND bounds.date = zoned.date
CROSS JOIN meta.build AS build
