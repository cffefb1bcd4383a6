-- mart.panel_month: How each panel did against its peers in each month, and what its weakness cost
-- grain: one row per system, month and place on the roof that had a row by then, or whose input has a lifetime
-- key: system_id, month, place
-- after: panel_windows
-- caveat: channel_is_not_panel_position
-- note: Looked at are the days of the month whose panels are final and gave a number. What the classes mean is said in
--   mart.panel_windows: offline, dead input and unknown speak of the last such days of the month.
-- column month: First day of the local month
-- columns: all of panel_windows but span
SELECT
    strptime(span, '%Y-%m')::DATE AS month,
    * EXCLUDE (span)
FROM mart.panel_windows
WHERE span <> 'newest'
