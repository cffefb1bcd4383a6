-- check.yesterday_missing: tables by day that a system was asked about within the 7 days before the newest call,
--   and whose day before the local day of that call is not present, nor without anything to measure. A day counts from
--   the first one that mart.coverage knows of a system.
-- severity: warning
-- advice: Run `aps refresh`; where it stopped early, `aps status` says what for. If the state is no data, look whether
--   the system is online: its ECU may deliver late, and a later refresh asks again.
WITH asked AS (
    SELECT DISTINCT system_id, table_name
    FROM mart.coverage
    WHERE
        state <> 'not applicable'
        AND sent_utc >= (SELECT max(sent_utc) FROM meta.calls) - INTERVAL 7 DAYS
),

-- Coverage ends with the local day of the newest call.
newest AS (
    SELECT system_id, max(first_date) AS local_day
    FROM mart.coverage
    GROUP BY system_id
)

SELECT coverage.*
FROM mart.coverage AS coverage
JOIN asked USING (system_id, table_name)
JOIN newest USING (system_id)
WHERE
    length(coverage.period) = 10
    AND coverage.first_date = newest.local_day - 1
    AND coverage.state NOT IN ('present', 'not applicable')
ORDER BY system_id, table_name
