-- mart.panel_daily: Energy of each panel by local day, beside the median of its peers
-- grain: one row per system, ECU, inverter, channel and local day that the panel has a row for
-- key: system_id, date, ecu_id, inverter_id, channel
-- after: listed_inverters
-- by_month: core.inverter_batch_energy
-- caveat: absent_is_not_zero, provisional, late_data, channel_is_not_panel_position
-- note: Peers are the other panels of the system that face the same way, where the roof file says how the panel lies;
--   otherwise all whose direction it does not say.
-- note: A panel that did not report has no row: see panels_expected in mart.daily_production.
-- column system_id: System
-- column ecu_id: ECU, the gateway that the inverter reports to
-- column inverter_id: Inverter
-- column channel: Input of the inverter, from 1
-- column place: Its place on the roof, which a new inverter takes over where the roof file says so; otherwise
--   inverter and channel
-- column label: What its owner calls it; null where the roof file says nothing
-- column facing: Azimuth and tilt in whole degrees, such as 105/35, or flat; null where the roof file says nothing
-- column date: Local day at the system
-- column energy_kwh [kWh]: Energy of the panel; null where the API gave none
-- column peers: Peers with a number that day
-- column peer_median_kwh [kWh]: Median of those; null without any
-- column ratio: Energy over that median, so 1 is as good as its peers; null without it or where it is 0
-- column is_listed: Whether an answer held about the inventory names the inverter
-- column is_comparable: Whether the ratio says anything: the panel gave a number, and at least 2 peers a median of
--   0.05 kWh or more; below that, noise decides
WITH facing AS (
    SELECT
        energies.*,
        coalesce(roof.place, format('{}-{}', inverter_id, channel)) AS place,
        roof.label,
        round(coalesce(roof.tilt_deg, sites.tilt_deg))::INTEGER AS tilt,
        round(coalesce(roof.azimuth_deg, sites.azimuth_deg))::INTEGER % 360 AS azimuth,
        CASE WHEN tilt = 0 THEN 'flat' ELSE format('{}/{}', azimuth, tilt) END AS facing
    FROM core.inverter_batch_energy AS energies
    LEFT JOIN meta.panels AS roof USING (system_id, inverter_id, channel)
    LEFT JOIN meta.sites AS sites USING (system_id)
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY system_id, date, facing
            ORDER BY energy_kwh NULLS LAST, ecu_id, inverter_id, channel
        ) AS rank
    FROM facing
),

roofs AS (
    SELECT system_id, date, facing, list(energy_kwh ORDER BY energy_kwh) AS energies
    FROM ranked
    WHERE energy_kwh IS NOT NULL
    GROUP BY ALL
),

counted AS (
    SELECT
        ranked.*,
        roofs.energies,
        coalesce(len(roofs.energies), 0) - (ranked.energy_kwh IS NOT NULL)::INTEGER AS peers
    FROM ranked
    LEFT JOIN roofs
        ON roofs.system_id = ranked.system_id
        AND roofs.date = ranked.date
        AND roofs.facing IS NOT DISTINCT FROM ranked.facing
),

-- The two middle ranks among the others; from its own rank on, the others stand one further in the list.
middles AS (
    SELECT
        *,
        (peers + 1) // 2 + ((peers + 1) // 2 >= rank)::INTEGER AS lower_middle,
        (peers + 2) // 2 + ((peers + 2) // 2 >= rank)::INTEGER AS upper_middle
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
    place,
    label,
    facing,
    date,
    energy_kwh,
    peers,
    peer_median_kwh,
    energy_kwh / nullif(peer_median_kwh, 0) AS ratio,
    (system_id, inverter_id) IN (SELECT (system_id, inverter_id) FROM internal.listed_inverters) AS is_listed,
    coalesce(energy_kwh IS NOT NULL AND peers >= 2 AND peer_median_kwh >= 0.05, false) AS is_comparable
FROM compared
