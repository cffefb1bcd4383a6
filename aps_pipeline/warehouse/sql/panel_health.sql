-- mart.panel_health: How each panel does against its peers, and what its weakness has cost
-- grain: one row per system and place on the roof that has a row, or whose input has a lifetime
-- key: system_id, place
-- after: panel_windows
-- caveat: channel_is_not_panel_position
-- note: Looked at are the newest 30 days of the system whose panels are final and gave a number. What the classes mean
--   is said in mart.panel_windows; each month by itself is in mart.panel_month.
-- columns: all of panel_windows but span
SELECT * EXCLUDE (span)
FROM mart.panel_windows
WHERE span = 'newest'
