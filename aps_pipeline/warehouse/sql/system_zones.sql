-- mart.system_zones: The time zone that the local days of each system are counted in
-- grain: one row per system of core.systems
-- key: system_id
-- note: A system without a row here is counted in UTC too.
-- column system_id: System
-- column zone: IANA zone of core.systems; UTC where that is absent or unknown
SELECT systems.system_id, coalesce(zones.timezone, 'UTC') AS zone
FROM core.systems AS systems
LEFT JOIN (SELECT DISTINCT timezone FROM meta.zone_days) AS zones USING (timezone)
