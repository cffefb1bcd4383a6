-- internal.listed_inverters: What marts of days need of core.inverters, which changes with every answer
-- kind: internal
-- grain: one row per inverter
-- key: system_id, ecu_id, inverter_id
SELECT system_id, ecu_id, inverter_id, gone_utc
FROM core.inverters
