-- internal.heard_days: Days on which an answer about an ECU is held; "no data" (1001), failures and requests not made
--   are none
-- kind: internal
-- grain: one row per system, ECU and local day
-- key: system_id, ecu_id, date
-- by_month: core.ecu_daily_energy, core.inverter_batch_energy, mart.local_days, meta.calls
-- after: local_days
SELECT DISTINCT system_id, ecu_id, date FROM core.inverter_batch_energy
UNION
SELECT system_id, ecu_id, date FROM core.ecu_daily_energy WHERE energy_kwh = 0 AND is_final
UNION
SELECT calls.system_id, calls.device_id, days.date
FROM meta.calls AS calls
JOIN mart.local_days AS days ON days.system_id = calls.system_id AND days.date = try_cast(calls.period AS DATE)
WHERE
    calls.endpoint = 'inverter_batch'
    AND calls.level = 'energy'
    AND calls.state = 'answered'
    AND calls.sent_utc >= days.final_utc
