-- mart.ecu_daily: Energy of each ECU by local day, beside the sum of its panels
-- grain: one row per system, ECU and local day of mart.local_days
-- key: system_id, date, ecu_id
-- after: listed_inverters, lives, local_days
-- by_month: core.ecu_daily_energy, core.inverter_batch_energy, internal.lives, mart.local_days, meta.calls
-- caveat: absent_is_not_zero, provisional, late_data, rounded_figures
-- note: Sums are over the numbers there are: without any they are null, never 0.
-- note: Panels count as final when their call was sent after the day and its revision days had ended.
-- column system_id: System
-- column ecu_id: ECU that inverters report to
-- column date: Local day at the system
-- column energy_kwh [kWh]: The day's figure, from core.ecu_daily_energy; null where there is none
-- column is_final: As in core.ecu_daily_energy; null where that has no row for the day
-- column is_expected: Whether the ECU gave figures that day, or both before and after it; where none of it are
--   held, whether inverters are listed for it
-- column panels_kwh [kWh]: Sum of the day's panels
-- column panels_reported: Panels with a number
-- column panels_expected: Panels that reported that day, or both before and after it; for an ECU without
--   such panels, the inverters listed and not gone by then
-- column panels_are_final: Whether the panels count as final; null without any row
WITH panels AS (
    -- Sums in decimals: exact, and so the same in whatever order the rows are added.
    SELECT
        panels.system_id,
        panels.ecu_id,
        panels.date,
        sum(panels.energy_kwh::DECIMAL(28, 6))::DOUBLE AS panels_kwh,
        count(panels.energy_kwh) AS panels_reported,
        bool_and(calls.sent_utc >= days.final_utc) AS panels_are_final
    FROM core.inverter_batch_energy AS panels
    JOIN mart.local_days AS days USING (system_id, date)
    LEFT JOIN meta.calls AS calls USING (call_id)
    GROUP BY ALL
),

panel_lives AS (
    FROM internal.lives WHERE inverter_id <> '' AND first_date IS NOT NULL
),

ecu_lives AS (
    FROM internal.lives WHERE inverter_id = '' AND first_date IS NOT NULL
),

inverters AS (
    SELECT system_id, ecu_id, inverter_id, gone_utc FROM internal.listed_inverters
    UNION ALL
    SELECT DISTINCT system_id, ecu_id, inverter_id, NULL
    FROM panel_lives
    ANTI JOIN internal.listed_inverters USING (system_id, ecu_id, inverter_id)
),

ecus AS (
    SELECT system_id, ecu_id FROM inverters
    UNION
    SELECT system_id, ecu_id FROM ecu_lives
),

inverter_counts AS (
    SELECT days.system_id, days.date, ecu_id, count(*) AS inverters
    FROM mart.local_days AS days
    JOIN inverters USING (system_id)
    WHERE coalesce(inverters.gone_utc > days.start_utc, true)
    GROUP BY ALL
),

panel_counts AS (
    SELECT days.system_id, days.date, ecu_id, count(*) AS panels
    FROM mart.local_days AS days
    JOIN panel_lives AS lives USING (system_id)
    WHERE days.date BETWEEN lives.first_date AND lives.last_date
    GROUP BY ALL
)

SELECT
    days.system_id,
    ecus.ecu_id,
    days.date,
    daily.energy_kwh,
    daily.is_final,
    coalesce(days.date BETWEEN ecu_lives.first_date AND ecu_lives.last_date, inverter_counts.inverters > 0, false) AS is_expected,
    panels.panels_kwh,
    coalesce(panels.panels_reported, 0) AS panels_reported,
    coalesce(panel_counts.panels, inverter_counts.inverters, 0) AS panels_expected,
    panels.panels_are_final
FROM mart.local_days AS days
JOIN ecus USING (system_id)
LEFT JOIN ecu_lives USING (system_id, ecu_id)
LEFT JOIN core.ecu_daily_energy AS daily USING (system_id, ecu_id, date)
LEFT JOIN panels USING (system_id, ecu_id, date)
LEFT JOIN panel_counts USING (system_id, ecu_id, date)
LEFT JOIN inverter_counts USING (system_id, ecu_id, date)
