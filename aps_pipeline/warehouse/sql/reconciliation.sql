-- mart.reconciliation: Do the levels agree? The sum of the parts against the whole, each difference named
-- grain: one row per comparison, system, device and period that either side has a number for
-- key: comparison, system_id, device_id, period
-- after: daily_production, decimals, ecu_daily, local_days, monthly_production, yearly_production
-- caveat: absent_is_not_zero, provisional, vendor_correction, rounded_figures
-- note: An absent side is missing, never 0. ECUs and inverters are compared on the days for which
--   core.ecu_daily_energy or core.inverter_daily_energy has rows; a side without a number is missing then.
-- note: Tolerance: each of n parts and the whole may be off by half a unit of the last decimal that came
--   (mart.decimals): with 2 decimals (n + 1) * 0.005 together. For panels 0.05 more is allowed: the API's own figures
--   for one day have been seen that far apart (18.90 and 18.85).
-- note: Findings, the first that holds: missing (a side has no number), agrees (within 0.0005), rounding (within the
--   tolerance), not final (a side was given before its revision days had ended), missing (fewer parts than expected),
--   mismatch (both sides count as final, and are complete).
-- column comparison: hours in day, days in month, months in year, panels in day, ECUs in day, panels in ECU
--   day or batch in inverter day (the channels of an inverter in core.inverter_batch_energy against its own days)
-- column system_id: System
-- column device_id: ECU or inverter; empty for the system itself
-- column period: Local day, month or year: 2024-03-05, 2024-03 or 2024
-- column parts_kwh [kWh]: Sum of the parts that have a number; null without any
-- column whole_kwh [kWh]: Figure of the whole; null where there is none
-- column residual_kwh [kWh]: Parts less whole; null where a side is missing
-- column tolerance_kwh [kWh]: What rounding can explain of it; null where a side is missing
-- column parts_expected: Parts that the whole is made of
-- column parts_found: Parts with a number
-- column is_final: Whether both sides count as final; null where that is not known
-- column finding: agrees, rounding, not final, missing or mismatch
WITH units AS (
    SELECT table_name, system_id, device_id, half_unit_kwh FROM mart.decimals WHERE column_name = 'energy_kwh'
),

system_units AS (
    SELECT
        system_id,
        max(half_unit_kwh) FILTER (table_name = 'system_hourly_energy') AS hour_kwh,
        max(half_unit_kwh) FILTER (table_name = 'system_daily_energy') AS day_kwh,
        max(half_unit_kwh) FILTER (table_name = 'system_monthly_energy') AS month_kwh,
        max(half_unit_kwh) FILTER (table_name = 'system_yearly_energy') AS year_kwh
    FROM units
    GROUP BY ALL
),

batch_channels AS (
    SELECT
        panels.system_id,
        inverter_id,
        channel,
        panels.date,
        sum(energy_kwh::DECIMAL(28, 6))::DOUBLE AS batch_kwh,
        sum(half_unit_kwh::DECIMAL(28, 9))::DOUBLE AS batch_off_kwh,
        bool_and(calls.sent_utc >= days.final_utc) AS batch_is_final
    FROM core.inverter_batch_energy AS panels
    SEMI JOIN core.inverter_daily_energy USING (system_id, inverter_id, date)
    JOIN units
        ON units.table_name = 'inverter_batch_energy'
        AND units.system_id = panels.system_id
        AND units.device_id = panels.ecu_id
    JOIN mart.local_days AS days ON days.system_id = panels.system_id AND days.date = panels.date
    LEFT JOIN meta.calls AS calls USING (call_id)
    GROUP BY ALL
),

own_channels AS (
    SELECT own.*, calls.sent_utc >= days.final_utc AS own_is_final
    FROM core.inverter_daily_energy AS own
    JOIN mart.local_days AS days USING (system_id, date)
    LEFT JOIN meta.calls AS calls USING (call_id)
),

inverter_days AS (
    SELECT
        system_id,
        inverter_id,
        date,
        sum(energy_kwh::DECIMAL(28, 6))::DOUBLE AS own_kwh,
        sum(batch_kwh::DECIMAL(28, 6))::DOUBLE AS batch_kwh,
        count(coalesce(energy_kwh, batch_kwh)) AS channels,
        count(energy_kwh + batch_kwh) AS channels_on_both,
        sum(batch_off_kwh::DECIMAL(28, 9)) FILTER (energy_kwh + batch_kwh IS NOT NULL)::DOUBLE AS batch_off_kwh,
        bool_and(own_is_final) AND bool_and(batch_is_final) AS are_final
    FROM own_channels
    FULL JOIN batch_channels USING (system_id, inverter_id, channel, date)
    GROUP BY ALL
),

-- What each ECU's day and its panels may be off by.
ecus AS (
    SELECT
        ecu_daily.*,
        days.half_unit_kwh AS day_kwh,
        panels_reported * panels.half_unit_kwh AS panels_off_kwh
    FROM mart.ecu_daily
    LEFT JOIN units AS days
        ON days.table_name = 'ecu_daily_energy' AND days.system_id = ecu_daily.system_id AND days.device_id = ecu_id
    LEFT JOIN units AS panels
        ON panels.table_name = 'inverter_batch_energy'
        AND panels.system_id = ecu_daily.system_id
        AND panels.device_id = ecu_id
),

ecu_sums AS (
    SELECT
        system_id,
        date,
        sum(energy_kwh::DECIMAL(28, 6))::DOUBLE AS ecus_kwh,
        count(energy_kwh) AS ecus_reported,
        count(*) FILTER (is_expected) AS ecus_expected,
        bool_and(is_final) AS ecus_are_final,
        sum(day_kwh::DECIMAL(28, 9)) FILTER (energy_kwh IS NOT NULL)::DOUBLE AS ecus_off_kwh
    FROM ecus
    SEMI JOIN core.ecu_daily_energy USING (system_id, date)
    GROUP BY ALL
),

panel_sums AS (
    SELECT system_id, date, sum(panels_off_kwh::DECIMAL(28, 9))::DOUBLE AS panels_off_kwh
    FROM ecus
    GROUP BY ALL
),

sides AS (
    SELECT
        'hours in day' AS comparison,
        system_id,
        '' AS device_id,
        strftime(date, '%Y-%m-%d') AS period,
        hourly_kwh AS parts_kwh,
        energy_kwh AS whole_kwh,
        24 AS parts_expected,
        hours_reported AS parts_found,
        is_final AND hours_are_final AS is_final,
        hours_reported * hour_kwh + day_kwh AS tolerance_kwh
    FROM mart.daily_production
    LEFT JOIN system_units USING (system_id)
    UNION ALL
    SELECT
        'panels in day',
        system_id,
        '',
        strftime(date, '%Y-%m-%d'),
        panels_kwh,
        energy_kwh,
        panels_expected,
        panels_reported,
        is_final AND panels_are_final,
        0.05 + day_kwh + panels_off_kwh
    FROM mart.daily_production
    LEFT JOIN panel_sums USING (system_id, date)
    LEFT JOIN system_units USING (system_id)
    UNION ALL
    SELECT
        'days in month',
        system_id,
        '',
        strftime(month, '%Y-%m'),
        daily_kwh,
        energy_kwh,
        days_expected,
        days_reported,
        is_final AND days_are_final,
        days_reported * day_kwh + month_kwh
    FROM mart.monthly_production
    LEFT JOIN system_units USING (system_id)
    UNION ALL
    SELECT
        'months in year',
        system_id,
        '',
        year::VARCHAR,
        monthly_kwh,
        energy_kwh,
        months_expected,
        months_reported,
        is_final AND months_are_final,
        months_reported * month_kwh + year_kwh
    FROM mart.yearly_production
    LEFT JOIN system_units USING (system_id)
    UNION ALL
    SELECT
        'ECUs in day',
        system_id,
        '',
        strftime(date, '%Y-%m-%d'),
        ecus_kwh,
        daily.energy_kwh,
        ecus_expected,
        ecus_reported,
        daily.is_final AND ecus_are_final,
        ecus_off_kwh + day_kwh
    FROM ecu_sums
    LEFT JOIN core.system_daily_energy AS daily USING (system_id, date)
    LEFT JOIN system_units USING (system_id)
    UNION ALL
    SELECT
        'panels in ECU day',
        system_id,
        ecu_id,
        strftime(date, '%Y-%m-%d'),
        panels_kwh,
        energy_kwh,
        panels_expected,
        panels_reported,
        is_final AND panels_are_final,
        0.05 + day_kwh + panels_off_kwh
    FROM ecus
    SEMI JOIN core.ecu_daily_energy USING (system_id, ecu_id, date)
    UNION ALL
    SELECT
        'batch in inverter day',
        inverter_days.system_id,
        inverter_id,
        strftime(date, '%Y-%m-%d'),
        batch_kwh,
        own_kwh,
        channels,
        channels_on_both,
        are_final,
        coalesce(batch_off_kwh, 0) + channels_on_both * own.half_unit_kwh
    FROM inverter_days
    LEFT JOIN units AS own
        ON own.table_name = 'inverter_daily_energy'
        AND own.system_id = inverter_days.system_id
        AND own.device_id = inverter_id
),

-- Rounded where the printed figures end, so that 0.1 + 0.2 - 0.3 is 0.
residuals AS (
    SELECT *, round(parts_kwh - whole_kwh, 6) AS residual_kwh
    FROM sides
    WHERE parts_kwh IS NOT NULL OR whole_kwh IS NOT NULL
)

SELECT
    comparison,
    system_id,
    device_id,
    period,
    parts_kwh,
    whole_kwh,
    residual_kwh,
    CASE WHEN residual_kwh IS NOT NULL THEN round(tolerance_kwh, 9) END AS tolerance_kwh,
    parts_expected::INTEGER AS parts_expected,
    parts_found::INTEGER AS parts_found,
    is_final,
    CASE
        WHEN residual_kwh IS NULL THEN 'missing'
        WHEN abs(residual_kwh) < 0.0005 THEN 'agrees'
        WHEN abs(residual_kwh) <= round(tolerance_kwh, 9) THEN 'rounding'
        WHEN is_final IS NOT TRUE THEN 'not final'
        WHEN parts_found < parts_expected THEN 'missing'
        ELSE 'mismatch'
    END AS finding
FROM residuals
