-- mart.power: Power of each system in slots of 5 minutes, as panels, ECUs and meters gave it
-- grain: one row per system, local day and slot that a 5-minute table has a row for
-- key: system_id, date, label, fold
-- kind: view
-- caveat: absent_is_not_zero, power_is_not_energy
-- note: It reads the Parquet files of 5-minute tables: name the days that you want.
-- note: Sums are over the panels, ECUs and meters that gave a figure for the slot; panels says how many panels did.
-- column system_id: System
-- column date: Local day at the system
-- column label: Local time of the slot, as it was served
-- column fold: 1 for the second of two slots of one label, where clocks go back
-- column end_utc: When the slot ended
-- column panels_w [W]: Sum of the panels, from core.inverter_batch_power; null without any
-- column panels: Panels with a figure
-- column ecus_w [W]: Sum of the ECUs, from core.ecu_power
-- column produced_w [W]: Production as the meters measured it, from core.meter_power
-- column consumed_w [W]: Consumption
-- column imported_exported_w [W]: From the grid above 0, to the grid below 0
SELECT
    system_id,
    date,
    label,
    fold,
    max(end_utc) AS end_utc,
    -- Sums in decimals: exact, and so the same in whatever order the rows are added.
    sum(panels_w::DECIMAL(28, 6))::DOUBLE AS panels_w,
    count(panels_w) AS panels,
    sum(ecus_w::DECIMAL(28, 6))::DOUBLE AS ecus_w,
    sum(produced_w::DECIMAL(28, 6))::DOUBLE AS produced_w,
    sum(consumed_w::DECIMAL(28, 6))::DOUBLE AS consumed_w,
    sum(imported_exported_w::DECIMAL(28, 6))::DOUBLE AS imported_exported_w
FROM (
    SELECT system_id, date, label, fold, end_utc, power_w AS panels_w
    FROM core.inverter_batch_power
    UNION ALL BY NAME
    SELECT system_id, date, label, fold, end_utc, power_w AS ecus_w
    FROM core.ecu_power
    UNION ALL BY NAME
    SELECT system_id, date, label, fold, end_utc, produced_w, consumed_w, imported_exported_w
    FROM core.meter_power
) AS slots
GROUP BY system_id, date, label, fold
