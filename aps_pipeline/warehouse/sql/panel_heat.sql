-- mart.panel_heat: How each panel did against the others of its system, month by month, for heat maps
-- grain: one row per system, ECU, inverter, channel and month that the panel has a row in
-- key: system_id, ecu_id, inverter_id, channel, month
-- after: daily_production, panel_daily
-- caveat: absent_is_not_zero, channel_is_not_panel_position
-- note: Days compared are those that are comparable in mart.panel_daily. All panels of a system are peers, whichever
--   way they face: a roof to the east is another one in winter than in summer.
-- column system_id: System
-- column ecu_id: ECU, the gateway that the inverter reports to
-- column inverter_id: Inverter
-- column channel: Input of the inverter, from 1
-- column month: First day of the local month
-- column energy_kwh [kWh]: Sum over the days with a number; null without any
-- column ratio: Median over the days compared of its energy over the median of its peers; null without any
-- column days_compared: Days of the month on which the panel could be compared
-- column days_reported: Days of the month on which it gave a number
-- column days_are_final: Whether all of the panel's days count as final
SELECT
    panels.system_id,
    panels.ecu_id,
    panels.inverter_id,
    panels.channel,
    date_trunc('month', panels.date)::DATE AS month,
    -- In decimals: exact, and so the same in whatever order the days are added.
    sum(panels.energy_kwh::DECIMAL(28, 6))::DOUBLE AS energy_kwh,
    median(panels.ratio) FILTER (panels.is_comparable) AS ratio,
    count(*) FILTER (panels.is_comparable) AS days_compared,
    count(panels.energy_kwh) AS days_reported,
    bool_and(days.panels_are_final) AS days_are_final
FROM mart.panel_daily AS panels
JOIN mart.daily_production AS days USING (system_id, date)
GROUP BY ALL
