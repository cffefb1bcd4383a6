-- check.reconciliation_mismatch: final figures, complete on both sides, that differ by more than rounding can
-- severity: warning
-- advice: Look at both calls in meta.calls; the API disagrees with itself, so ask APsystems, or run
--   `aps refresh` if one side was fetched long before the other.
SELECT *
FROM mart.reconciliation
WHERE finding = 'mismatch'
ORDER BY abs(residual_kwh) DESC, comparison, system_id, period
