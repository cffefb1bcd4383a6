-- check.owner_names_unknown: systems and inverters of the roof file, and systems of the tariff file, that no
--   answer held names
-- severity: warning
-- advice: Look for a typing error in the file; of an inverter that was replaced before the first day held nothing
--   is known, and its entry does no harm.
SELECT DISTINCT panels.system_id, panels.inverter_id
FROM meta.panels AS panels
ANTI JOIN core.inverters USING (system_id, inverter_id)
ANTI JOIN core.inverter_batch_energy USING (system_id, inverter_id)
WHERE panels.system_id IN (SELECT system_id FROM core.inverters)
UNION
SELECT sites.system_id, ''
FROM meta.sites AS sites
ANTI JOIN core.systems USING (system_id)
UNION
SELECT tariffs.system_id, ''
FROM meta.tariffs AS tariffs
ANTI JOIN core.systems USING (system_id)
WHERE tariffs.system_id <> ''
ORDER BY system_id, inverter_id
