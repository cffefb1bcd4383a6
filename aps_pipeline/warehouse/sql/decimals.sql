-- mart.decimals: To how many decimals the energies of each device came, and so how far each may be off
-- grain: one row per table of energies of an hour or longer, system, device and column
-- key: table_name, system_id, device_id, column_name
-- caveat: rounded_figures
-- note: Read from the figures held: a series has the most decimals that one of its figures shows. Fewer than 6
--   different figures may end in 0 by chance: such a series has at least what all of that device and kind show, and
--   where those are fewer than 6 too, at least the usual: 2, panels 6, meters 3, summaries of meters 6. Fewer than 2
--   decimals are believed from 24 figures on.
-- note: Tolerances come from here: mart.reconciliation, mart.self_consumption and the checks allow half a unit of the
--   last decimal for each figure that they add or compare.
-- column table_name: Table of core
-- column system_id: System
-- column device_id: ECU, inverter or meter; of panels their ECU; empty for the system itself
-- column column_name: Column of the table
-- column figures: How many different figures are held that are not 0, about
-- column decimals_seen: Most decimals that one of them shows; null without a figure
-- column decimals: Decimals that the series is taken to have
-- column half_unit_kwh [kWh]: Half a unit of the last of them: what rounding may have added or taken off
WITH figures AS (
    SELECT 'system_hourly_energy' AS table_name, 'system' AS kind, 2 AS usual, system_id, '' AS device_id,
        'energy_kwh' AS column_name, energy_kwh AS kwh
    FROM core.system_hourly_energy
    UNION ALL
    SELECT 'system_daily_energy', 'system', 2, system_id, '', 'energy_kwh', energy_kwh FROM core.system_daily_energy
    UNION ALL
    SELECT 'system_monthly_energy', 'system', 2, system_id, '', 'energy_kwh', energy_kwh FROM core.system_monthly_energy
    UNION ALL
    SELECT 'system_yearly_energy', 'system', 2, system_id, '', 'energy_kwh', energy_kwh FROM core.system_yearly_energy
    UNION ALL
    SELECT 'ecu_hourly_energy', 'ecu', 2, system_id, ecu_id, 'energy_kwh', energy_kwh FROM core.ecu_hourly_energy
    UNION ALL
    SELECT 'ecu_daily_energy', 'ecu', 2, system_id, ecu_id, 'energy_kwh', energy_kwh FROM core.ecu_daily_energy
    UNION ALL
    SELECT 'ecu_monthly_energy', 'ecu', 2, system_id, ecu_id, 'energy_kwh', energy_kwh FROM core.ecu_monthly_energy
    UNION ALL
    SELECT 'ecu_yearly_energy', 'ecu', 2, system_id, ecu_id, 'energy_kwh', energy_kwh FROM core.ecu_yearly_energy
    UNION ALL
    -- By the hour an inverter is told more exactly than by the year: none of these stands in for another.
    SELECT table_name, table_name, 2, system_id, inverter_id, 'energy_kwh', energy_kwh
    FROM (
        SELECT 'inverter_hourly_energy' AS table_name, system_id, inverter_id, energy_kwh FROM core.inverter_hourly_energy
        UNION ALL
        SELECT 'inverter_daily_energy', system_id, inverter_id, energy_kwh FROM core.inverter_daily_energy
        UNION ALL
        SELECT 'inverter_monthly_energy', system_id, inverter_id, energy_kwh FROM core.inverter_monthly_energy
        UNION ALL
        SELECT 'inverter_yearly_energy', system_id, inverter_id, energy_kwh FROM core.inverter_yearly_energy
    )
    UNION ALL
    SELECT 'inverter_batch_energy', 'batch', 6, system_id, ecu_id, 'energy_kwh', energy_kwh FROM core.inverter_batch_energy
    UNION ALL
    SELECT table_name, 'meter', 3, system_id, meter_id, column_name, kwh
    FROM (
        SELECT 'meter_hourly_energy' AS table_name, COLUMNS('_id$|_kwh$') FROM core.meter_hourly_energy
        UNION ALL BY NAME
        SELECT 'meter_daily_energy' AS table_name, COLUMNS('_id$|_kwh$') FROM core.meter_daily_energy
        UNION ALL BY NAME
        SELECT 'meter_monthly_energy' AS table_name, COLUMNS('_id$|_kwh$') FROM core.meter_monthly_energy
        UNION ALL BY NAME
        SELECT 'meter_yearly_energy' AS table_name, COLUMNS('_id$|_kwh$') FROM core.meter_yearly_energy
    )
    UNPIVOT INCLUDE NULLS (kwh FOR column_name IN (produced_kwh, consumed_kwh, imported_kwh, exported_kwh))
    UNION ALL
    SELECT table_name, column_name, 2, system_id, device_id, column_name, kwh
    FROM (
        SELECT 'system_summary' AS table_name, system_id, '' AS device_id, COLUMNS('_kwh$') FROM core.system_summary
        UNION ALL
        SELECT 'ecu_summary', system_id, ecu_id, COLUMNS('_kwh$') FROM core.ecu_summary
        UNION ALL
        SELECT 'inverter_summary', system_id, inverter_id, COLUMNS('_kwh$') FROM core.inverter_summary
    )
    UNPIVOT INCLUDE NULLS (kwh FOR column_name IN (today_kwh, month_kwh, year_kwh, lifetime_kwh))
    UNION ALL
    SELECT 'meter_summary', column_name, 6, system_id, meter_id, column_name, kwh
    FROM (SELECT system_id, meter_id, COLUMNS('_kwh$') FROM core.meter_summary)
    UNPIVOT INCLUDE NULLS (kwh FOR column_name IN (COLUMNS('_kwh$')))
),

series AS (
    SELECT
        table_name,
        kind,
        usual,
        system_id,
        device_id,
        column_name,
        coalesce(approx_count_distinct(nullif(kwh, 0)), 0) AS figures,
        max(decimals_of(kwh)) AS decimals_seen
    FROM figures
    GROUP BY ALL
),

devices AS (
    SELECT kind, usual, system_id, device_id, max(decimals_seen) AS decimals_seen, sum(figures) AS figures
    FROM series
    GROUP BY ALL
),

taken AS (
    SELECT
        series.*,
        decimals_of_series(
            series.decimals_seen,
            series.figures,
            decimals_of_series(devices.decimals_seen, devices.figures, devices.usual)
        ) AS decimals
    FROM series
    JOIN devices USING (kind, system_id, device_id)
)

SELECT
    table_name,
    system_id,
    device_id,
    column_name,
    figures,
    decimals_seen,
    decimals,
    half_unit(decimals) AS half_unit_kwh
FROM taken
