-- mart.savings: What each meter's home saved and earned in a month, by the dated prices of the tariff file
-- grain: one row per system, meter and local month with days of the meter; one per other month with a figure
-- key: system_id, meter_id, month
-- after: monthly_production, self_consumption
-- caveat: absent_is_not_zero, provisional, vendor_correction
-- note: Empty without a tariff file. Each day has the prices in force on it: those of a tariff that names the system,
--   or else of one that names none. Days whose four figures are missing or do not balance are left out, not guessed.
-- note: Without a meter it is not known what was used at home: no money then. The standing charge is paid with or
--   without a roof, so it is not in saved or earned.
-- column system_id: System
-- column meter_id: Meter ECU; empty for a month without days of one
-- column month: First day of the local month
-- column days_in_month [d]: Days of the month
-- column days_priced [d]: Days with figures that balance and a price
-- column self_consumed_kwh [kWh]: Energy produced and used at home on those days; null without any
-- column exported_kwh [kWh]: Energy given to the grid on them
-- column imported_kwh [kWh]: Energy taken from it on them
-- column saved [currency]: Self-consumed energy at the import price of its day
-- column earned [currency]: Exported energy at the feed-in price of its day
-- column paid [currency]: Imported energy at the import price of its day
-- column standing_charge [currency]: Standing charge of the days priced; null where the tariff names none
-- column currency: Currency of these; null without a price
-- column basis: priced by day, no tariff (none is in force on any of the days), no day that balances, no days of the
--   meter or no meter
-- column produced_kwh [kWh]: Energy that co2_avoided_kg is of: days with figures that balance, or the month's figure
--   where there are no days of a meter; null without any
-- column co2_avoided_kg [kg]: That energy by the factor of the tariff file; null without a factor
WITH days AS (
    SELECT
        system_id,
        meter_id,
        first_date AS date,
        coalesce(is_balanced, false) AS is_known,
        produced_kwh,
        self_consumed_kwh,
        exported_kwh,
        imported_kwh
    FROM mart.self_consumption
    WHERE level = 'daily'
),

priced AS (
    SELECT
        days.*,
        is_known AND (own.since IS NOT NULL OR general.since IS NOT NULL) AS is_priced,
        if(own.since IS NULL, general.import_price, own.import_price)::DECIMAL(12, 6) AS import_price,
        if(own.since IS NULL, general.feed_in_price, own.feed_in_price)::DECIMAL(12, 6) AS feed_in_price,
        if(own.since IS NULL, general.standing_charge, own.standing_charge)::DECIMAL(12, 6) AS daily_charge,
        coalesce(own.currency, general.currency) AS currency
    FROM days
    ASOF LEFT JOIN (FROM meta.tariffs WHERE system_id <> '') AS own
        ON own.system_id = days.system_id AND days.date >= own.since
    ASOF LEFT JOIN (FROM meta.tariffs WHERE system_id = '') AS general ON days.date >= general.since
),

-- Sums in decimals: exact, and so the same in whatever order the days are added.
metered AS (
    SELECT
        system_id,
        meter_id,
        date_trunc('month', date)::DATE AS month,
        count(*) FILTER (is_known) AS days_known,
        count(*) FILTER (is_priced) AS days_priced,
        sum(self_consumed_kwh::DECIMAL(18, 6)) FILTER (is_priced) AS self_consumed_kwh,
        sum(exported_kwh::DECIMAL(18, 6)) FILTER (is_priced) AS exported_kwh,
        sum(imported_kwh::DECIMAL(18, 6)) FILTER (is_priced) AS imported_kwh,
        sum(self_consumed_kwh::DECIMAL(18, 6) * import_price) FILTER (is_priced) AS saved,
        sum(exported_kwh::DECIMAL(18, 6) * feed_in_price) FILTER (is_priced) AS earned,
        sum(imported_kwh::DECIMAL(18, 6) * import_price) FILTER (is_priced) AS paid,
        sum(daily_charge) FILTER (is_priced) AS standing_charge,
        any_value(currency) FILTER (is_priced) AS currency,
        sum(produced_kwh::DECIMAL(18, 6)) FILTER (is_known) AS produced_kwh
    FROM priced
    GROUP BY ALL
),

months AS (
    SELECT
        *,
        CASE
            WHEN days_known = 0 THEN 'no day that balances'
            WHEN days_priced = 0 THEN 'no tariff'
            ELSE 'priced by day'
        END AS basis
    FROM metered
    UNION ALL BY NAME
    SELECT
        system_id,
        '' AS meter_id,
        month,
        0 AS days_priced,
        energy_kwh::DECIMAL(18, 6) AS produced_kwh,
        if(system_id IN (SELECT system_id FROM core.meters), 'no days of the meter', 'no meter') AS basis
    FROM mart.monthly_production
    ANTI JOIN metered USING (system_id, month)
    WHERE energy_kwh IS NOT NULL
)

SELECT
    system_id,
    meter_id,
    month,
    day(last_day(month)) AS days_in_month,
    days_priced,
    self_consumed_kwh::DOUBLE AS self_consumed_kwh,
    exported_kwh::DOUBLE AS exported_kwh,
    imported_kwh::DOUBLE AS imported_kwh,
    saved::DOUBLE AS saved,
    earned::DOUBLE AS earned,
    paid::DOUBLE AS paid,
    standing_charge::DOUBLE AS standing_charge,
    currency,
    basis,
    produced_kwh::DOUBLE AS produced_kwh,
    (produced_kwh * carbon.co2_kg_per_kwh::DECIMAL(12, 6))::DOUBLE AS co2_avoided_kg
FROM months
LEFT JOIN meta.carbon AS carbon ON true
WHERE (SELECT count(*) FROM meta.tariffs) > 0 OR carbon.co2_kg_per_kwh IS NOT NULL
