-- mart.self_consumption: How much of its energy each meter's home used itself, and how far that reached
-- grain: one row per system, meter, level and local day or month that core has a row of meter energy for
-- key: system_id, meter_id, level, period
-- after: decimals, system_zones
-- caveat: absent_is_not_zero, provisional, rounded_figures
-- note: Balance first: what is produced and imported is consumed and exported. Each of the four figures may be off by
--   half a unit of the last decimal that came (mart.decimals): 0.002 together with 3 decimals, 0.02 with 2.
-- note: Findings, the first that holds: missing (one of the four has no number), unbalanced, out of range (a
--   figure is negative, or a ratio is below 0 or above 1), plausible. Where it is missing or unbalanced nothing is
--   derived; out of range is shown as it came. A home with a battery may export what it produced another day.
-- column system_id: System
-- column meter_id: Meter ECU
-- column level: daily or monthly
-- column period: Local day or month: 2024-03-05 or 2024-03
-- column first_date: First local day of the period
-- column produced_kwh [kWh]: Energy produced; null where the API gave none
-- column consumed_kwh [kWh]: Energy consumed
-- column imported_kwh [kWh]: Energy taken from the grid
-- column exported_kwh [kWh]: Energy given to the grid
-- column residual_kwh [kWh]: Produced and imported less consumed and exported; null where one is missing
-- column tolerance_kwh [kWh]: What rounding can explain of it
-- column is_balanced: Whether it is within that; null where one is missing
-- column is_final: Whether the call was sent after the period and its revision days had ended
-- column self_consumed_kwh [kWh]: Produced less exported
-- column self_consumption_ratio: Share of the energy produced that was used at home; null where that is 0
-- column autarky_ratio: Share of the energy consumed that was not imported; null where that is 0
-- column finding: plausible, out of range, unbalanced or missing
WITH tolerances AS (
    SELECT table_name, system_id, device_id AS meter_id, round(sum(half_unit_kwh), 9) AS tolerance_kwh
    FROM mart.decimals
    WHERE table_name IN ('meter_daily_energy', 'meter_monthly_energy')
    GROUP BY ALL
),

periods AS (
    SELECT
        * EXCLUDE date,
        'daily' AS level,
        strftime(date, '%Y-%m-%d') AS period,
        date AS first_date,
        date + 1 AS next_date
    FROM core.meter_daily_energy
    UNION ALL BY NAME
    SELECT
        * EXCLUDE month,
        'monthly' AS level,
        strftime(month, '%Y-%m') AS period,
        month AS first_date,
        last_day(month) + 1 AS next_date
    FROM core.meter_monthly_energy
),

-- Rounded where the printed figures end, so that 0.1 + 0.2 - 0.3 is 0.
balanced AS (
    SELECT
        periods.*,
        round(produced_kwh + imported_kwh - consumed_kwh - exported_kwh, 6) AS residual_kwh,
        tolerances.tolerance_kwh,
        abs(residual_kwh) <= tolerances.tolerance_kwh AS is_balanced,
        calls.sent_utc >= days.end_utc + to_days(build.revision_days) AS is_final
    FROM periods
    JOIN tolerances
        ON tolerances.table_name = format('meter_{}_energy', periods.level)
        AND tolerances.system_id = periods.system_id
        AND tolerances.meter_id = periods.meter_id
    CROSS JOIN meta.build AS build
    LEFT JOIN mart.system_zones AS zones ON zones.system_id = periods.system_id
    LEFT JOIN meta.zone_days AS days
        ON days.timezone = coalesce(zones.zone, 'UTC') AND days.date = periods.next_date - 1
    LEFT JOIN meta.calls AS calls USING (call_id)
),

shares AS (
    SELECT
        *,
        CASE WHEN is_balanced THEN round(produced_kwh - exported_kwh, 6) END AS self_consumed_kwh,
        self_consumed_kwh / nullif(produced_kwh, 0) AS self_consumption_ratio,
        CASE WHEN is_balanced THEN round(consumed_kwh - imported_kwh, 6) / nullif(consumed_kwh, 0) END AS autarky_ratio
    FROM balanced
)

SELECT
    system_id,
    meter_id,
    level,
    period,
    first_date,
    produced_kwh,
    consumed_kwh,
    imported_kwh,
    exported_kwh,
    residual_kwh,
    tolerance_kwh,
    is_balanced,
    is_final,
    self_consumed_kwh,
    self_consumption_ratio,
    autarky_ratio,
    CASE
        WHEN is_balanced IS NULL THEN 'missing'
        WHEN NOT is_balanced THEN 'unbalanced'
        WHEN least(produced_kwh, consumed_kwh, imported_kwh, exported_kwh) < 0 THEN 'out of range'
        WHEN NOT coalesce(self_consumption_ratio BETWEEN 0 AND 1, true) THEN 'out of range'
        WHEN NOT coalesce(autarky_ratio BETWEEN 0 AND 1, true) THEN 'out of range'
        ELSE 'plausible'
    END AS finding
FROM shares
