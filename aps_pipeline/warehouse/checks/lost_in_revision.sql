-- check.lost_in_revision: answers that lack numbers which an earlier answer to the same question gave, and that no
--   later one has brought back. Of each question only the last difference is looked at: its numbers_missing counts
--   what any earlier answer gave and it does not, and later answers without a difference have the same numbers.
-- severity: warning
-- advice: Compare the calls in meta.calls. Where is_shown, readers see less than was once given: `aps backfill …
--   --again` asks once more; if the answer stays the same, ask APsystems. The earlier body is kept. Where it is not,
--   the newer answer was no data (1001), and readers see the earlier one.
SELECT
    *,
    table_name AS tables,
    CASE length(period)
        WHEN 10 THEN period::DATE
        WHEN 7 THEN (period || '-01')::DATE
        WHEN 4 THEN make_date(period::INTEGER, 1, 1)
    END AS first_date,
    CASE length(period)
        WHEN 10 THEN first_date
        WHEN 7 THEN last_day(first_date)
        WHEN 4 THEN make_date(period::INTEGER, 12, 31)
    END AS last_date
FROM meta.revisions
QUALIFY numbers_missing > 0 AND call_id = max(call_id) OVER (PARTITION BY table_name, system_id, device_id, period)
ORDER BY revised_utc DESC, call_id, table_name
