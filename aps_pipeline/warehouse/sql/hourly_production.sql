-- mart.hourly_production: Energy of each system by local hour, with what its meters measured in that hour
-- grain: one row per system, local day and hour that core has a row of system or meter energy for
-- key: system_id, date, hour
-- kind: view
-- caveat: local_hour, absent_is_not_zero
-- note: Of several meters these are the sums, null where one of them gave no figure.
-- column system_id: System
-- column date: Local day at the system
-- column hour: Local hour 0-23, as its clock shows it
-- column start_utc: When the hour began
-- column end_utc: When it ended
-- column energy_kwh [kWh]: Energy produced, from core.system_hourly_energy; null where there is none
-- column produced_kwh [kWh]: Energy produced as the meters measured it
-- column consumed_kwh [kWh]: Energy consumed
-- column imported_kwh [kWh]: Energy taken from the grid
-- column exported_kwh [kWh]: Energy given to the grid
SELECT
    system_id,
    date,
    hour,
    max(start_utc) AS start_utc,
    max(end_utc) AS end_utc,
    -- Sums in decimals: exact, and so the same in whatever order the rows are added.
    max(energy_kwh) AS energy_kwh,
    CASE WHEN count(produced_kwh) = count(*) FILTER (is_metered) THEN sum(produced_kwh::DECIMAL(28, 6))::DOUBLE END
        AS produced_kwh,
    CASE WHEN count(consumed_kwh) = count(*) FILTER (is_metered) THEN sum(consumed_kwh::DECIMAL(28, 6))::DOUBLE END
        AS consumed_kwh,
    CASE WHEN count(imported_kwh) = count(*) FILTER (is_metered) THEN sum(imported_kwh::DECIMAL(28, 6))::DOUBLE END
        AS imported_kwh,
    CASE WHEN count(exported_kwh) = count(*) FILTER (is_metered) THEN sum(exported_kwh::DECIMAL(28, 6))::DOUBLE END
        AS exported_kwh
FROM (
    SELECT
        system_id,
        date,
        hour,
        start_utc,
        end_utc,
        energy_kwh,
        NULL::DOUBLE AS produced_kwh,
        NULL::DOUBLE AS consumed_kwh,
        NULL::DOUBLE AS imported_kwh,
        NULL::DOUBLE AS exported_kwh,
        false AS is_metered
    FROM core.system_hourly_energy
    UNION ALL
    SELECT
        system_id,
        date,
        hour,
        NULL,
        NULL,
        NULL,
        produced_kwh,
        consumed_kwh,
        imported_kwh,
        exported_kwh,
        true
    FROM core.meter_hourly_energy
) AS measured
GROUP BY system_id, date, hour
