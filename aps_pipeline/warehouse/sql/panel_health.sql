-- mart.panel_health: How each panel does against its peers, and what its weakness has cost
-- grain: one row per system and place on the roof that has ever had a panel with a row
-- key: system_id, place
-- after: panel_windows
-- caveat: channel_is_not_panel_position
-- note: Looked at are the newest 30 days of the system whose panels are final and gave a number. What the classes mean
--   is said in mart.panel_windows; each month by itself is in mart.panel_month.
-- column system_id: System
-- column place: Its place on the roof; without a roof file inverter and channel
-- column label: What its owner calls it; null where the roof file says nothing
-- column ecu_id: ECU, the gateway that the inverter reports to
-- column inverter_id: Inverter
-- column channel: Input of the inverter, from 1
-- column first_date: First local day of the span; null where the system has no such day
-- column last_date: Last local day of the span
-- column days_compared: Days of the span on which the panel could be compared: is_comparable in mart.panel_daily
-- column days_reported: Days of the span on which it gave a number
-- column energy_kwh [kWh]: Sum of those; null without any
-- column ratio: Median over the days compared of its energy over the median of its peers; null without any
-- column recent_ratio: The same over the newest 7 days compared
-- column class: fine, weak, dead input, offline, unused channel, removed or unknown
-- column loss_kwh [kWh]: Median of its peers less its own energy, summed over the days compared; null unless the
--   class is weak or dead input
-- column loss_basis: What loss_kwh rests on; null without it
-- column last_energy_date: Last local day with energy above 0 until the span ends, final or not; null without one
-- column is_listed: Whether the inventory has ever named the inverter
SELECT
    system_id,
    place,
    label,
    ecu_id,
    inverter_id,
    channel,
    first_date,
    last_date,
    days_compared,
    days_reported,
    energy_kwh,
    ratio,
    recent_ratio,
    class,
    loss_kwh,
    loss_basis,
    last_energy_date,
    is_listed
FROM mart.panel_windows
WHERE span = 'newest'
