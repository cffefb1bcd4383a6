-- check.yesterday_missing: tables by day that a system was asked about within the 7 days before the newest call,
--   and whose day before the local day of that call is not present, nor without anything to measure. A day counts from
--   the first one that mart.coverage knows of a system.
-- severity: warning
-- advice: Run `aps refresh`; where it stopped early, `aps status` says what for. If the state is no data, look whether
--   the system is online: its ECU may deliver late, and a later refresh asks again.
WITH asked AS (
    SELECT DISTINCT proofs.system_id, proofs.table_name
    FROM (
        SELECT system_id, table_name, unnest(call_ids) AS call_id
        FROM meta.coverage_spans
        WHERE state <> 'not applicable'
    ) AS proofs
    JOIN meta.calls AS calls USING (call_id)
    WHERE calls.sent_utc >= (SELECT max(sent_utc) FROM meta.calls) - INTERVAL 7 DAYS
),

-- Coverage ends with the local day of the newest call.
yesterdays AS (
    SELECT system_id, max(last_date) - 1 AS date
    FROM meta.coverage_spans
    WHERE length(last_period) = 10
    GROUP BY system_id
),

missing AS (
    SELECT
        spans.*,
        yesterdays.date,
        call_ids[least(yesterdays.date - first_date + 1, len(call_ids))] AS call_id
    FROM meta.coverage_spans AS spans
    JOIN asked USING (system_id, table_name)
    JOIN yesterdays ON yesterdays.system_id = spans.system_id AND yesterdays.date BETWEEN first_date AND last_date
    WHERE length(last_period) = 10 AND state NOT IN ('present', 'not applicable')
)

SELECT
    missing.system_id,
    missing.table_name,
    missing.date::VARCHAR AS period,
    missing.date AS first_date,
    missing.state,
    missing.parts,
    missing.with_data,
    missing.no_data,
    missing.parts - missing.with_data - missing.no_data AS missing,
    missing.is_final,
    missing.call_id,
    calls.sent_utc,
    calls.error
FROM missing
LEFT JOIN meta.calls AS calls USING (call_id)
ORDER BY missing.system_id, missing.table_name
