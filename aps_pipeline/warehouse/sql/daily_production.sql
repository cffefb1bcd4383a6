-- mart.daily_production: Energy of each system by local day, with what is known of its completeness beside it
-- grain: one row per system and local day that any table has a row for
-- key: system_id, date
-- after: capacities, ecu_daily, local_days
-- by_month: core.inverter_batch_energy, core.system_daily_energy, core.system_hourly_energy, mart.ecu_daily,
--   mart.local_days, meta.calls
-- caveat: absent_is_not_zero, partial_day, provisional, late_data, vendor_correction, rounded_figures
-- note: Sums are over the numbers there are: without any they are null, never 0.
-- note: Hours and panels count as final when their call was sent after the day and its revision days had ended.
-- column system_id: System
-- column date: Local day at the system
-- column energy_kwh [kWh]: The day's figure, from core.system_daily_energy; null where there is none
-- column state: Of energy_kwh: final (given after the revision days had ended), provisional or no number
-- column is_final: As in core.system_daily_energy; null where that has no row for the day
-- column kwh_per_kw [kWh/kW]: Energy over installed capacity as it is known now; null without either
-- column hourly_kwh [kWh]: Sum of the day's hours
-- column hours_reported: Hours with a number, of 24
-- column coverage: Share of the 24 hours that have a number, 0 to 1
-- column hours_are_final: Whether the hours count as final; null without any row
-- column panels_kwh [kWh]: Sum of the day's panels
-- column panels_reported: Panels with a number
-- column panels_expected: Panels that reported that day, or both before and after it; for an ECU without
--   such panels, the inverters listed and not gone by then
-- column panels_are_final: Whether the panels count as final; null without any row
WITH days AS (
    SELECT system_id, date FROM core.system_daily_energy
    UNION
    SELECT system_id, date FROM core.system_hourly_energy
    UNION
    SELECT system_id, date FROM core.inverter_batch_energy
),

-- Sums in decimals: exact, and so the same in whatever order the rows are added.
hours AS (
    SELECT
        hours.system_id,
        hours.date,
        sum(hours.energy_kwh::DECIMAL(28, 6))::DOUBLE AS hourly_kwh,
        count(hours.energy_kwh) AS hours_reported,
        bool_and(calls.sent_utc >= local_days.final_utc) AS hours_are_final
    FROM core.system_hourly_energy AS hours
    JOIN mart.local_days AS local_days USING (system_id, date)
    LEFT JOIN meta.calls AS calls USING (call_id)
    GROUP BY ALL
),

panels AS (
    SELECT
        system_id,
        date,
        sum(panels_kwh::DECIMAL(28, 6))::DOUBLE AS panels_kwh,
        sum(panels_reported)::BIGINT AS panels_reported,
        sum(panels_expected)::BIGINT AS panels_expected,
        bool_and(panels_are_final) AS panels_are_final
    FROM mart.ecu_daily
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
    daily.energy_kwh / nullif(systems.capacity_kw, 0) AS kwh_per_kw,
    hours.hourly_kwh,
    coalesce(hours.hours_reported, 0) AS hours_reported,
    coalesce(hours.hours_reported, 0) / 24 AS coverage,
    hours.hours_are_final,
    panels.panels_kwh,
    coalesce(panels.panels_reported, 0) AS panels_reported,
    coalesce(panels.panels_expected, 0) AS panels_expected,
    panels.panels_are_final
FROM days
LEFT JOIN core.system_daily_energy AS daily USING (system_id, date)
LEFT JOIN hours USING (system_id, date)
LEFT JOIN panels USING (system_id, date)
LEFT JOIN internal.capacities AS systems USING (system_id)
