-- mart.outages: Days on which answers show no production of an ECU, and days that no answer tells about
-- grain: one row per system, ECU, state and stretch of consecutive local days
-- key: system_id, ecu_id, first_date
-- after: system_zones
-- caveat: late_data
-- note: Looked at are the days from the first on which panels of the ECU produced, in core.inverter_batch_energy, to
--   the last. Where the inventory still lists an inverter of it, also those after, to the newest that somebody asked
--   about once it was over; an ECU that was taken away looks the same, so without that nothing after is here.
-- note: In a production gap an answer that was given after the revision days shows no production; an ECU that was
--   without a network may still deliver later. In a telemetry gap there is no such answer, so the panels may have
--   produced all the same.
-- column system_id: System
-- column ecu_id: ECU that the inverters report to
-- column kind: production gap or telemetry gap
-- column state: Of a production gap: zero (its panels gave 0), no numbers (the answer has none of any panel) or system
--   at zero (the whole system gave a final 0, so its panels were not asked). Of a telemetry gap: no data (1001),
--   beyond retention, refused, failed or not asked
-- column first_date: First local day of it
-- column last_date: Last local day of it
-- column days [d]: How many there are
-- column is_ongoing: Whether no energy of the ECU is known since
-- column call_id: The newest call that says so; null where none was made
WITH panels AS (
    -- Sums in decimals: exact, and so the same in whatever order the rows are added.
    SELECT
        system_id,
        ecu_id,
        date,
        sum(energy_kwh::DECIMAL(28, 6))::DOUBLE AS energy_kwh,
        max(call_id) AS call_id
    FROM core.inverter_batch_energy
    GROUP BY ALL
),

lives AS (
    SELECT system_id, ecu_id, min(date) AS first_date, max(date) AS last_date
    FROM panels
    WHERE energy_kwh > 0
    GROUP BY ALL
),

-- The call that tells most of each question; code 2005 (quota used up) says nothing of it.
asked AS (
    SELECT
        system_id,
        string_split(device_id, '-')[-1] AS ecu_id,
        try_cast(period AS DATE) AS date,
        coalesce(
            max(call_id) FILTER (state = 'answered'),
            max(call_id) FILTER (state = 'no_data'),
            max(call_id) FILTER (state = 'refused'),
            max(call_id) FILTER (state IN ('failed', 'denied', 'lost'))
        ) AS call_id
    FROM meta.calls
    WHERE endpoint = 'inverter_batch' AND level = 'energy' AND coalesce(code, 0) <> 2005
    GROUP BY ALL
),

-- The newest day that somebody asked about once it was over, of each ECU and, for a final 0, of its system.
looked AS (
    SELECT asked.system_id, asked.ecu_id, max(asked.date) AS date
    FROM asked
    JOIN meta.calls AS calls USING (call_id)
    LEFT JOIN mart.system_zones AS zones ON zones.system_id = asked.system_id
    JOIN meta.zone_days AS days ON days.timezone = coalesce(zones.zone, 'UTC') AND days.date = asked.date
    WHERE calls.sent_utc >= days.end_utc
    GROUP BY ALL
),

zeros AS (
    SELECT system_id, max(date) AS date
    FROM core.system_daily_energy
    WHERE energy_kwh = 0 AND is_final
    GROUP BY ALL
),

ends AS (
    SELECT
        system_id,
        ecu_id,
        lives.first_date,
        lives.last_date,
        CASE
            WHEN (system_id, ecu_id) IN (SELECT (system_id, ecu_id) FROM core.inverters WHERE gone_utc IS NULL)
                THEN greatest(lives.last_date, looked.date, zeros.date)
            ELSE lives.last_date
        END AS looked_date
    FROM lives
    LEFT JOIN looked USING (system_id, ecu_id)
    LEFT JOIN zeros USING (system_id)
),

calendar AS (
    SELECT
        system_id,
        ecu_id,
        last_date AS produced_date,
        unnest(generate_series(first_date, looked_date, INTERVAL 1 DAY))::DATE AS date
    FROM ends
),

known AS (
    SELECT
        calendar.*,
        panels.energy_kwh,
        coverage.state AS covered,
        days.energy_kwh = 0 AND days.is_final AS system_is_at_zero,
        CASE
            WHEN panels.call_id IS NOT NULL THEN panels.call_id
            WHEN coverage.state IN ('beyond retention', 'not applicable') THEN coverage.call_id
            ELSE asked.call_id
        END AS call_id
    FROM calendar
    LEFT JOIN panels USING (system_id, ecu_id, date)
    LEFT JOIN core.system_daily_energy AS days USING (system_id, date)
    LEFT JOIN meta.coverage AS coverage
        ON coverage.system_id = calendar.system_id
        AND coverage.table_name = 'inverter_batch_energy'
        AND coverage.first_date = calendar.date
    LEFT JOIN asked
        ON asked.system_id = calendar.system_id
        AND asked.ecu_id = calendar.ecu_id
        AND asked.date = calendar.date
),

proven AS (
    SELECT
        known.*,
        calls.state AS call_state,
        calls.sent_utc >= days.end_utc + to_days(build.revision_days) AS is_final
    FROM known
    CROSS JOIN meta.build AS build
    LEFT JOIN mart.system_zones AS zones USING (system_id)
    LEFT JOIN meta.zone_days AS days ON days.timezone = coalesce(zones.zone, 'UTC') AND days.date = known.date
    LEFT JOIN meta.calls AS calls USING (call_id)
),

-- Null: a day with production, one asked before its revision days had ended, or one with nothing to ask.
named AS (
    SELECT
        *,
        CASE
            WHEN energy_kwh IS NOT NULL THEN CASE WHEN energy_kwh = 0 AND is_final THEN 'zero' END
            WHEN covered = 'not applicable' THEN CASE WHEN system_is_at_zero THEN 'system at zero' END
            WHEN covered = 'beyond retention' THEN covered
            WHEN call_state = 'answered' THEN CASE WHEN is_final THEN 'no numbers' END
            WHEN call_state = 'no_data' THEN 'no data'
            WHEN call_state = 'refused' THEN 'refused'
            WHEN call_id IS NOT NULL THEN 'failed'
            ELSE 'not asked'
        END AS state
    FROM proven
),

-- Days in a row keep their distance from their place among the days of the same state.
placed AS (
    SELECT
        *,
        date - (row_number() OVER (PARTITION BY system_id, ecu_id, state ORDER BY date))::INTEGER AS stretch
    FROM named
    WHERE state IS NOT NULL
)

SELECT
    system_id,
    ecu_id,
    CASE
        WHEN state IN ('zero', 'no numbers', 'system at zero') THEN 'production gap'
        ELSE 'telemetry gap'
    END AS kind,
    state,
    min(date) AS first_date,
    max(date) AS last_date,
    count(*) AS days,
    min(date) > max(produced_date) AS is_ongoing,
    max(call_id) AS call_id
FROM placed
GROUP BY system_id, ecu_id, state, stretch
