-- internal.newest_days: The days of the span newest in mart.panel_windows
-- kind: internal
-- grain: one row per system and local day
-- key: system_id, date
-- after: daily_production
SELECT system_id, date
FROM mart.daily_production
WHERE panels_are_final AND panels_reported > 0
QUALIFY row_number() OVER (PARTITION BY system_id ORDER BY date DESC) <= 30
