-- check.energy_at_night: hours of a system between 23:00 and 03:00 local time with more than 0.05 kWh, where its time
--   zone is known. Daylight itself is not known without a location, so this finds clocks and zones that are far off,
--   not those that are off by an hour or two.
-- severity: warning
-- advice: Look at the time zone that is entered at APsystems, and at the clock of the ECU. Nothing is wrong in the
--   summer beyond the polar circles, or close to them, nor where a battery counts as production.
SELECT hours.*, systems.timezone
FROM core.system_hourly_energy AS hours
JOIN core.systems AS systems USING (system_id)
WHERE
    (hour >= 23 OR hour < 3)
    AND energy_kwh > 0.05
    AND systems.timezone IN (SELECT timezone FROM meta.zone_days)
ORDER BY energy_kwh DESC, system_id, date, hour
