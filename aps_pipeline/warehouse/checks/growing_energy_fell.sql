-- check.growing_energy_fell: answers about a period that was still growing, such as this year's months or the list of
--   all years, that sum up to less than the answer before them, by more than their decimals allow
-- severity: warning
-- advice: What was produced stays produced, so look at both calls in meta.calls: the API has corrected or lost a part,
--   and core shows the newer answer. The earlier body is kept. Ask APsystems where lost_in_revision names it too.
SELECT
    revisions.*,
    round((rows_before + rows_after) * units.half_unit_kwh, 9) AS tolerance_kwh
FROM meta.revisions AS revisions
JOIN (
    SELECT table_name, system_id, device_id, max(half_unit_kwh) AS half_unit_kwh
    FROM mart.decimals
    WHERE column_name IN ('energy_kwh', 'produced_kwh')
    GROUP BY ALL
) AS units USING (table_name, system_id, device_id)
WHERE NOT was_over AND change_kwh < -tolerance_kwh
ORDER BY change_kwh, call_id, table_name
