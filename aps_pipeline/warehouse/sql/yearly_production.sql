-- mart.yearly_production: Energy of each system by local year, beside the sum of its months
-- grain: one row per system and local year that the yearly or the monthly table has a row for
-- key: system_id, year
-- caveat: absent_is_not_zero, provisional, vendor_correction, rounded_figures
-- note: Sums are over the numbers there are: without any they are null, never 0.
-- column system_id: System
-- column year: Local year
-- column energy_kwh [kWh]: The year's figure, from core.system_yearly_energy; null where there is none
-- column state: Of energy_kwh: final (given after the revision days had ended), provisional or no number
-- column is_final: As in core.system_yearly_energy; null where that has no row for the year
-- column kwh_per_kw [kWh/kW]: Energy over installed capacity as it is known now; null without either
-- column monthly_kwh [kWh]: Sum of the year's months
-- column months_reported: Months with a number
-- column months_expected: Months of the year, from the month of registration on
-- column coverage: Share of the months expected that have a number, 0 to 1; null where none is expected
-- column months_are_final: Whether every month held counts as final; null without any row
WITH years AS (
    SELECT system_id, year FROM core.system_yearly_energy
    UNION
    SELECT system_id, year(month) FROM core.system_monthly_energy
),

-- Sums in decimals: exact, and so the same in whatever order the rows are added.
months AS (
    SELECT
        months.system_id,
        year(months.month) AS year,
        sum(months.energy_kwh::DECIMAL(28, 6))::DOUBLE AS monthly_kwh,
        count(months.energy_kwh) AS months_reported,
        count(months.energy_kwh) FILTER (
            coalesce(months.month >= date_trunc('month', systems.create_date), true)
        ) AS months_covered,
        bool_and(months.is_final) AS months_are_final
    FROM core.system_monthly_energy AS months
    LEFT JOIN core.systems AS systems USING (system_id)
    GROUP BY ALL
),

expected AS (
    SELECT
        years.system_id,
        years.year,
        CASE
            WHEN year(systems.create_date) > years.year THEN 0
            WHEN year(systems.create_date) = years.year THEN 13 - month(systems.create_date)
            ELSE 12
        END AS months_expected
    FROM years
    LEFT JOIN core.systems AS systems USING (system_id)
)

SELECT
    expected.system_id,
    expected.year,
    yearly.energy_kwh,
    CASE
        WHEN yearly.energy_kwh IS NULL THEN 'no number'
        WHEN yearly.is_final THEN 'final'
        ELSE 'provisional'
    END AS state,
    yearly.is_final,
    yearly.energy_kwh / nullif(systems.capacity_kw, 0) AS kwh_per_kw,
    months.monthly_kwh,
    coalesce(months.months_reported, 0) AS months_reported,
    expected.months_expected,
    coalesce(months.months_covered, 0) / nullif(expected.months_expected, 0) AS coverage,
    months.months_are_final
FROM expected
LEFT JOIN core.system_yearly_energy AS yearly USING (system_id, year)
LEFT JOIN months USING (system_id, year)
LEFT JOIN core.systems AS systems USING (system_id)
