-- mart.monthly_production: Energy of each system by local month, beside the sum of its days
-- grain: one row per system and local month that the monthly or the daily table has a row for
-- key: system_id, month
-- caveat: absent_is_not_zero, provisional, late_data, vendor_correction, rounded_figures
-- note: Sums are over the numbers there are: without any they are null, never 0.
-- column system_id: System
-- column month: First day of the local month
-- column energy_kwh [kWh]: The month's figure, from core.system_monthly_energy; null where there is none
-- column state: Of energy_kwh: final (given after the revision days had ended), provisional or no number
-- column is_final: As in core.system_monthly_energy; null where that has no row for the month
-- column kwh_per_kw [kWh/kW]: Energy over installed capacity as it is known now; null without either
-- column daily_kwh [kWh]: Sum of the month's days
-- column days_reported: Days with a number
-- column days_expected [d]: Days of the month, from the day of registration on
-- column coverage: Share of the days expected that have a number, 0 to 1; null where none is expected
-- column days_in_month [d]: Days of the month
-- column days_are_final: Whether every day held counts as final; null without any row
WITH months AS (
    SELECT system_id, month FROM core.system_monthly_energy
    UNION
    SELECT system_id, date_trunc('month', date)::DATE FROM core.system_daily_energy
),

-- Sums in decimals: exact, and so the same in whatever order the rows are added.
days AS (
    SELECT
        days.system_id,
        date_trunc('month', days.date)::DATE AS month,
        sum(days.energy_kwh::DECIMAL(28, 6))::DOUBLE AS daily_kwh,
        count(days.energy_kwh) AS days_reported,
        count(days.energy_kwh) FILTER (coalesce(days.date >= systems.create_date, true)) AS days_covered,
        bool_and(days.is_final) AS days_are_final
    FROM core.system_daily_energy AS days
    LEFT JOIN core.systems AS systems USING (system_id)
    GROUP BY ALL
),

expected AS (
    SELECT
        months.system_id,
        months.month,
        greatest(0, last_day(months.month) - greatest(months.month, systems.create_date) + 1) AS days_expected
    FROM months
    LEFT JOIN core.systems AS systems USING (system_id)
)

SELECT
    expected.system_id,
    expected.month,
    monthly.energy_kwh,
    CASE
        WHEN monthly.energy_kwh IS NULL THEN 'no number'
        WHEN monthly.is_final THEN 'final'
        ELSE 'provisional'
    END AS state,
    monthly.is_final,
    monthly.energy_kwh / nullif(systems.capacity_kw, 0) AS kwh_per_kw,
    days.daily_kwh,
    coalesce(days.days_reported, 0) AS days_reported,
    expected.days_expected,
    coalesce(days.days_covered, 0) / nullif(expected.days_expected, 0) AS coverage,
    day(last_day(expected.month)) AS days_in_month,
    days.days_are_final
FROM expected
LEFT JOIN core.system_monthly_energy AS monthly USING (system_id, month)
LEFT JOIN days USING (system_id, month)
LEFT JOIN core.systems AS systems USING (system_id)
