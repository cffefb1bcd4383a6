-- mart.systems: Each system with its name, its place and what stands on its roof now: every mart joins to it
-- grain: one row per system of core.systems
-- key: system_id
-- after: system_zones
-- note: Name, place, tilt and azimuth are the owner's (APS_ROOF_FILE); without one the name is the id and the others
--   are null.
-- column system_id: System
-- column name: What its owner calls it, or its id
-- column capacity_kw [kW]: Installed size as the newest answer gave it; null where none did
-- column zone: IANA zone that its days are counted in
-- column latitude_deg [deg]: Degrees north
-- column longitude_deg [deg]: Degrees east
-- column tilt_deg [deg]: Tilt from flat of panels that say nothing else
-- column azimuth_deg [deg]: Where those face, clockwise from north
-- column create_date: Day of registration
-- column ecus: ECUs that are there now
-- column inverters: Inverters that are there now
-- column meters: Meters that are there now
-- column data_since: First local day with a figure in core.system_daily_energy; null without one
-- column data_until: Newest such day
WITH days AS (
    SELECT system_id, min(date) AS data_since, max(date) AS data_until
    FROM core.system_daily_energy
    WHERE energy_kwh IS NOT NULL
    GROUP BY ALL
),

devices AS (
    SELECT system_id, 'ecu' AS kind FROM core.ecus WHERE gone_utc IS NULL
    UNION ALL
    SELECT system_id, 'inverter' FROM core.inverters WHERE gone_utc IS NULL
    UNION ALL
    SELECT system_id, 'meter' FROM core.meters WHERE gone_utc IS NULL
),

counts AS (
    SELECT
        system_id,
        count(*) FILTER (kind = 'ecu') AS ecus,
        count(*) FILTER (kind = 'inverter') AS inverters,
        count(*) FILTER (kind = 'meter') AS meters
    FROM devices
    GROUP BY ALL
)

SELECT
    systems.system_id,
    coalesce(sites.name, systems.system_id) AS name,
    systems.capacity_kw,
    zones.zone,
    sites.latitude_deg,
    sites.longitude_deg,
    sites.tilt_deg,
    sites.azimuth_deg,
    systems.create_date,
    coalesce(counts.ecus, 0) AS ecus,
    coalesce(counts.inverters, 0) AS inverters,
    coalesce(counts.meters, 0) AS meters,
    days.data_since,
    days.data_until
FROM core.systems AS systems
JOIN mart.system_zones AS zones USING (system_id)
LEFT JOIN meta.sites AS sites USING (system_id)
LEFT JOIN counts USING (system_id)
LEFT JOIN days USING (system_id)
