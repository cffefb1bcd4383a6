-- check.rejected_items: items of an answer that no table could take, each with the reason
-- severity: warning
-- advice: The panels concerned have no row for that day. The body is kept: report the item, and `aps rebuild`
--   with a version that can read it costs no call.
SELECT *
FROM core.rejected_items
ORDER BY source_table, system_id, device_id, date, position
