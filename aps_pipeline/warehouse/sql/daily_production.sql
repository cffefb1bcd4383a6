-- mart.daily_production: Energy of each system by local day, with what is known of its completeness beside it
-- grain: one row per system and local day that any table has a row for
-- key: system_id, date
-- note: Sums are over the numbers there are: without any they are null, never 0.
-- note: Hours and panels count as final when their call was sent after the day and its revision days had ended.
-- column system_id: System
-- column date: Local day at the system
-- column energy_kwh [kWh]: The day's figure, from core.system_daily_energy; null where there is none
-- column state: Of energy_kwh: final, provisional (it may still change) or no number
-- column is_final: As in core.system_daily_energy; null where that has no row for the day
-- column kwh_per_kw [kWh/kW]: Energy over installed capacity as it is known now; null without either
-- column hourly_kwh [kWh]: Sum of the day's hours
-- column hours_reported: Hours with a number, of 24
-- column hours_are_final: Whether the hours count as final; null without any row
-- column panels_kwh [kWh]: Sum of the day's panels
-- column panels_reported: Panels with a number
-- column panels_expected: Panels that reported that day, or both before and after it; for an ECU of which
--   that leaves none, the inverters listed
-- column panels_are_final: Whether the panels count as final; null without any row
WITH systems AS (
    -- A zone that DuckDB does not know becomes UTC instead of an error.
    SELECT system_id, nullif(capacity_kw, 0) AS capacity_kw, coalesce(zones.name, 'UTC') AS zone
    FROM core.systems
    LEFT JOIN (SELECT DISTINCT name FROM pg_timezone_names()) AS zones ON zones.name = systems.timezone
),

days AS (
    SELECT system_id, date FROM core.system_daily_energy
    UNION
    SELECT system_id, date FROM core.system_hourly_energy
    UNION
    SELECT system_id, date FROM core.inverter_batch_energy
),

final_from AS (
    SELECT
        days.system_id,
        days.date,
        timezone(coalesce(systems.zone, 'UTC'), (days.date + 1)::TIMESTAMP) + to_days(build.revision_days) AS final_utc
    FROM days
    CROSS JOIN meta.build AS build
    LEFT JOIN systems USING (system_id)
),

-- Sums in decimals: exact, and so the same in whatever order the rows are added.
hours AS (
    SELECT
        hours.system_id,
        hours.date,
        sum(hours.energy_kwh::DECIMAL(28, 6))::DOUBLE AS hourly_kwh,
        count(hours.energy_kwh) AS hours_reported,
        bool_and(calls.sent_utc >= final_from.final_utc) AS hours_are_final
    FROM core.system_hourly_energy AS hours
    JOIN final_from USING (system_id, date)
    LEFT JOIN meta.calls AS calls USING (call_id)
    GROUP BY ALL
),

panels AS (
    SELECT
        panels.system_id,
        panels.date,
        sum(panels.energy_kwh::DECIMAL(28, 6))::DOUBLE AS panels_kwh,
        count(panels.energy_kwh) AS panels_reported,
        bool_and(calls.sent_utc >= final_from.final_utc) AS panels_are_final
    FROM core.inverter_batch_energy AS panels
    JOIN final_from USING (system_id, date)
    LEFT JOIN meta.calls AS calls USING (call_id)
    GROUP BY ALL
),

panel_lives AS (
    SELECT system_id, ecu_id, inverter_id, channel, min(date) AS first_date, max(date) AS last_date
    FROM core.inverter_batch_energy
    WHERE energy_kwh IS NOT NULL
    GROUP BY ALL
),

ecus AS (
    SELECT system_id, ecu_id, count(DISTINCT inverter_id) AS inverters
    FROM (
        SELECT system_id, ecu_id, inverter_id FROM core.inverters
        UNION
        SELECT system_id, ecu_id, inverter_id FROM panel_lives
    )
    GROUP BY ALL
),

ecu_days AS (
    SELECT days.system_id, days.date, ecus.ecu_id, ecus.inverters, count(lives.inverter_id) AS panels
    FROM days
    JOIN ecus USING (system_id)
    LEFT JOIN panel_lives AS lives
        ON lives.system_id = ecus.system_id
        AND lives.ecu_id = ecus.ecu_id
        AND days.date BETWEEN lives.first_date AND lives.last_date
    GROUP BY ALL
),

expected AS (
    SELECT system_id, date, sum(CASE WHEN panels > 0 THEN panels ELSE inverters END)::BIGINT AS panels_expected
    FROM ecu_days
    GROUP BY ALL
)

SELECT
    days.system_id,
    days.date,
    daily.energy_kwh,
    CASE
        WHEN daily.energy_kwh IS NULL THEN 'no number'
        WHEN daily.is_final THEN 'final'
        ELSE 'provisional'
    END AS state,
    daily.is_final,
    daily.energy_kwh / systems.capacity_kw AS kwh_per_kw,
    hours.hourly_kwh,
    coalesce(hours.hours_reported, 0) AS hours_reported,
    hours.hours_are_final,
    panels.panels_kwh,
    coalesce(panels.panels_reported, 0) AS panels_reported,
    coalesce(expected.panels_expected, 0) AS panels_expected,
    panels.panels_are_final
FROM days
LEFT JOIN core.system_daily_energy AS daily USING (system_id, date)
LEFT JOIN hours USING (system_id, date)
LEFT JOIN panels USING (system_id, date)
LEFT JOIN expected USING (system_id, date)
LEFT JOIN systems USING (system_id)
