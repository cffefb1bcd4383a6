-- check.reconciliation_mismatch: figures that were given after the revision days of their period had ended, complete
--   on both sides, that differ by more than their decimals allow
-- severity: warning
-- advice: Two answers contradict each other, so at least one is wrong or outdated. `aps backfill … --again` asks for
--   both anew; where they still differ, the API contradicts itself: look at both calls in meta.calls, and ask
--   APsystems.
SELECT
    *,
    CASE comparison
        WHEN 'hours in day' THEN 'system_hourly_energy,system_daily_energy'
        WHEN 'panels in day' THEN 'inverter_batch_energy,system_daily_energy'
        WHEN 'days in month' THEN 'system_daily_energy,system_monthly_energy'
        WHEN 'months in year' THEN 'system_monthly_energy,system_yearly_energy'
        WHEN 'ECUs in day' THEN 'ecu_daily_energy,system_daily_energy'
        WHEN 'panels in ECU day' THEN 'inverter_batch_energy,ecu_daily_energy'
        ELSE 'inverter_batch_energy,inverter_daily_energy'
    END AS tables,
    CASE length(period)
        WHEN 10 THEN period::DATE
        WHEN 7 THEN (period || '-01')::DATE
        ELSE make_date(period::INTEGER, 1, 1)
    END AS first_date,
    CASE length(period)
        WHEN 10 THEN first_date
        WHEN 7 THEN last_day(first_date)
        ELSE make_date(period::INTEGER, 12, 31)
    END AS last_date
FROM mart.reconciliation
WHERE finding = 'mismatch'
ORDER BY abs(residual_kwh) DESC, comparison, system_id, period
