-- check.lost_in_revision: answers that lack numbers which an earlier answer to the same question gave, and that no
--   later one has brought back. Of each question only the last difference is looked at: its numbers_missing counts
--   what any earlier answer gave and it does not, and later answers without a difference have the same numbers.
-- severity: warning
-- advice: Compare the calls in meta.calls. Where is_shown, readers see less than was once given: run `aps refresh`
--   while the period may still be revised, or ask APsystems. The earlier body is kept. Where it is not, the answer
--   was no data (1001), and readers still see the earlier one.
SELECT *
FROM meta.revisions
QUALIFY numbers_missing > 0 AND call_id = max(call_id) OVER (PARTITION BY table_name, system_id, device_id, period)
ORDER BY revised_utc DESC, call_id, table_name
