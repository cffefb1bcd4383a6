-- mart.panel_daily: Energy of each panel by local day, beside the median of the other panels of its system
-- grain: one row per system, ECU, inverter, channel and local day that the panel has a row for
-- key: system_id, date, ecu_id, inverter_id, channel
-- caveat: absent_is_not_zero, provisional, late_data, channel_is_not_panel_position
-- note: A panel that did not report has no row: see panels_expected in mart.daily_production.
-- column system_id: System
-- column ecu_id: ECU, the gateway that the inverter reports to
-- column inverter_id: Inverter
-- column channel: Input of the inverter, from 1
-- column date: Local day at the system
-- column energy_kwh [kWh]: Energy of the panel; null where the API gave none
-- column peers: Other panels of the system with a number that day
-- column peer_median_kwh [kWh]: Median of those peers; null without any
-- column ratio: Energy over that median, so 1 is as good as its peers; null without it or where it is 0
-- column is_listed: Whether the inventory has ever named the inverter
-- column is_comparable: Whether the ratio says anything: the panel gave a number, and at least 2 peers a median of
--   0.05 kWh or more; below that, noise decides
WITH placed AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY system_id, date
            ORDER BY energy_kwh NULLS LAST, ecu_id, inverter_id, channel
        ) AS place
    FROM core.inverter_batch_energy
),

system_days AS (
    SELECT system_id, date, list(energy_kwh ORDER BY energy_kwh) AS energies
    FROM placed
    WHERE energy_kwh IS NOT NULL
    GROUP BY ALL
),

counted AS (
    SELECT
        placed.*,
        system_days.energies,
        coalesce(len(system_days.energies), 0) - (placed.energy_kwh IS NOT NULL)::INTEGER AS peers
    FROM placed
    LEFT JOIN system_days USING (system_id, date)
),

-- The two middle places among the others; from its own place on, the others stand one further in the list.
middles AS (
    SELECT
        *,
        (peers + 1) // 2 + ((peers + 1) // 2 >= place)::INTEGER AS lower_middle,
        (peers + 2) // 2 + ((peers + 2) // 2 >= place)::INTEGER AS upper_middle
    FROM counted
),

compared AS (
    SELECT
        *,
        CASE WHEN peers > 0 THEN (energies[lower_middle] + energies[upper_middle]) / 2 END AS peer_median_kwh
    FROM middles
)

SELECT
    system_id,
    ecu_id,
    inverter_id,
    channel,
    date,
    energy_kwh,
    peers,
    peer_median_kwh,
    energy_kwh / nullif(peer_median_kwh, 0) AS ratio,
    (system_id, inverter_id) IN (SELECT (system_id, inverter_id) FROM core.inverters) AS is_listed,
    coalesce(energy_kwh IS NOT NULL AND peers >= 2 AND peer_median_kwh >= 0.05, false) AS is_comparable
FROM compared
