-- mart.coverage: What there is and what is missing, with the call that proves it
-- grain: one row per system, fact table and period, from registration to the local day of the newest call
-- key: system_id, table_name, period
-- kind: view
-- note: It is a view that gives each stretch of meta.coverage_spans period by period. What looks at many systems and
--   years is faster there.
-- note: present: every answer is there and was given after the period's end. partial: some answers are there;
--   others are missing, or were given while the period was running. no data: the API said so (1001).
--   beyond retention: asked twice, the API gave no data of days so old (meta.claims). refused: an answer came that
--   cannot be right. failed: a call brought nothing to read. not asked: the period is over, and nobody has asked.
--   not yet due: it is not over. not applicable: there was nothing to measure, for want of a device or of production that day.
-- column system_id: System
-- column table_name: Table of core
-- column period: Partition: a local day, month or year; empty for a table without
-- column first_date: First local day of the period; null for a lifetime
-- column state: present, partial, no data, beyond retention, refused, failed, not asked, not yet due or
--   not applicable
-- column parts: Questions that the period consists of: one a device
-- column with_data: Those that were answered with data
-- column no_data: Those whose newest answer is "no data" (1001)
-- column missing: Those without an answer
-- column is_final: Whether every answer came after the revision days; null without one and for a lifetime
-- column call_id: The call that proves the state; null where none was made
-- column sent_utc: When it was sent
-- column error: What went wrong with it; empty if nothing did
SELECT
    coverage.system_id,
    coverage.table_name,
    coverage.period,
    coverage.first_date,
    coverage.state,
    coverage.parts,
    coverage.with_data,
    coverage.no_data,
    coverage.parts - coverage.with_data - coverage.no_data AS missing,
    coverage.is_final,
    coverage.call_id,
    calls.sent_utc,
    calls.error
FROM meta.coverage AS coverage
LEFT JOIN meta.calls AS calls USING (call_id)
