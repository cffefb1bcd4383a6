-- internal.lives: From when to when each panel and each ECU has given figures
-- kind: internal
-- grain: one row per ECU with a row in core.ecu_daily_energy (without an inverter), and per panel with a row
-- key: system_id, ecu_id, inverter_id, channel
SELECT
    system_id,
    ecu_id,
    inverter_id,
    channel,
    min(date) FILTER (energy_kwh IS NOT NULL) AS first_date,
    max(date) FILTER (energy_kwh IS NOT NULL) AS last_date
FROM core.inverter_batch_energy
GROUP BY ALL
UNION ALL
SELECT
    system_id,
    ecu_id,
    '',
    0::TINYINT,
    min(date) FILTER (energy_kwh IS NOT NULL),
    max(date) FILTER (energy_kwh IS NOT NULL)
FROM core.ecu_daily_energy
GROUP BY ALL
