-- mart.expected_daily: Energy of each day beside what a day without clouds would give
-- grain: one row per system and local day with a row in core.system_daily_energy, where a position is given
-- key: system_id, date
-- after: specific_yield
-- caveat: absent_is_not_zero, provisional
-- note: Without a position in the roof file nothing is expected, and there is no row. Panels weigh the same, because
--   their power is not known one by one.
-- note: Of the insolation 14 % is taken off for what every plant loses between sun and meter, as PVWatts does. Heat,
--   snow and shade are not known: a clear winter day may come out above 1, a hot or shaded one below.
-- column system_id: System
-- column date: Local day at the system
-- column energy_kwh [kWh]: The day's figure; null where there is none
-- column state: Of energy_kwh: final (given after the revision days had ended), provisional or no number
-- column insolation_kwh_per_m2 [kWh/m2]: Clear-sky insolation, mean of the planes of its panels
-- column clear_sky_kwh [kWh]: What that would give: insolation times capacity, less 14 %; null without a capacity
-- column performance_index: Energy over that; null without either or where that is 0
-- column orientation_basis: What says how the panels lie: panels, some panels (the others do not say), system, or
--   flat (not given): neither does
-- column capacity_kw [kW]: Capacity taken for the day
-- column capacity_basis: Where that is from: see mart.specific_yield
WITH constants AS (
    SELECT 0.14 AS loss
),

-- Sums in decimals: exact, and so the same in whatever order the planes are added.
skies AS (
    SELECT
        system_id,
        date,
        sum(insolation_kwh_per_m2::DECIMAL(18, 3) * panels)::DOUBLE / sum(panels) AS insolation_kwh_per_m2,
        min(orientation_basis) AS orientation_basis
    FROM meta.clear_sky
    GROUP BY ALL
)

SELECT
    skies.system_id,
    skies.date,
    yields.energy_kwh,
    yields.state,
    round(skies.insolation_kwh_per_m2, 3) AS insolation_kwh_per_m2,
    round(skies.insolation_kwh_per_m2 * yields.capacity_kw * (1 - constants.loss), 3)::DOUBLE AS clear_sky_kwh,
    yields.energy_kwh / nullif(clear_sky_kwh, 0) AS performance_index,
    skies.orientation_basis,
    yields.capacity_kw,
    yields.capacity_basis
FROM skies
JOIN mart.specific_yield AS yields
    ON yields.system_id = skies.system_id AND yields.level = 'daily' AND yields.first_date = skies.date
CROSS JOIN constants
