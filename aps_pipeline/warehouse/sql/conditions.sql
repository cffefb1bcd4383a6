-- mart.conditions: How every system, inverter and panel is now, as far as calls have shown
-- grain: one row per system, inverter and panel
-- key: kind, system_id, ecu_id, inverter_id, channel
-- after: daily_production, panel_daily, panel_health
-- caveat: late_data
-- note: A system is offline when it gave nothing on 3 or more days since its newest energy, which came at most 30 days
--   before the first of these, and the answers about them came after their revision days: 0, "no data" (1001), or
--   answers about all its ECUs without energy; reason says which. Deep snow looks the same, and so does an ECU that
--   has lost its network and delivers later. It is unknown when nobody has asked about it for 30 days, or when no
--   energy of it is held.
-- note: An inverter is offline when all its inputs that can be judged are. Systems and inverters are fine,
--   offline, removed or unknown; weakness is a matter of panels. A panel is what mart.panel_health says, except where
--   its system is offline or unknown: it is so too. Unused inputs and removed inverters stand here, and count for
--   nothing.
-- column kind: system, inverter or panel
-- column system_id: System
-- column ecu_id: ECU that the inverter reports to; empty for a system
-- column inverter_id: Inverter; empty for a system
-- column channel: Input of the inverter, from 1; 0 for a system and an inverter
-- column label: What the owner calls the panel; null where the roof file says nothing
-- column condition: fine, weak, dead input, offline, unused channel, removed or unknown
-- column since_date: First local day held on which it was so; null where that is not known
-- column last_date: Newest local day that it rests on; null without any
-- column loss_kwh [kWh]: What a weak panel or a dead input has cost so far: see mart.panel_health
-- column reason: Why, in words, with the figures; empty where there is nothing to say
WITH limits AS (SELECT 3 AS silent_days, 30 AS memory_days),

-- Days whose final answers tell how much the panels gave, or that there is nothing.
covered AS (
    SELECT system_id, first_date AS date, is_final
    FROM meta.coverage
    WHERE table_name = 'inverter_batch_energy' AND is_final AND state IN ('present', 'no data')
),

todays AS (
    SELECT system_id, max(last_date) AS today
    FROM meta.coverage_spans
    WHERE table_name = 'inverter_batch_energy'
    GROUP BY ALL
),

looked AS (
    SELECT
        system_id,
        date,
        coalesce(days.energy_kwh, days.panels_kwh) AS day_kwh,
        coalesce(days.energy_kwh > 0, false) OR coalesce(days.panels_kwh > 0, false) AS has_given,
        coalesce(days.energy_kwh, days.panels_kwh) = 0 AS is_zero,
        coalesce(days.energy_kwh = 0 AND days.is_final, false)
        OR coalesce(covered.is_final, false) AS is_final
    FROM mart.daily_production AS days
    FULL JOIN covered USING (system_id, date)
),

lives AS (
    SELECT
        system_id,
        max(date) FILTER (has_given) AS alive_date,
        max(date) FILTER (has_given OR is_final) AS last_date
    FROM looked
    GROUP BY ALL
),

silences AS (
    SELECT system_id, min(date) AS first_date, count(*) AS days, count(*) FILTER (is_zero) AS zero_days
    FROM looked
    JOIN lives USING (system_id)
    WHERE is_final AND date > alive_date
    GROUP BY ALL
),

usual AS (
    SELECT system_id, median(day_kwh) AS day_kwh
    FROM looked
    JOIN lives USING (system_id)
    CROSS JOIN limits
    WHERE has_given AND date > alive_date - memory_days
    GROUP BY ALL
),

judged AS (
    SELECT
        system_id,
        lives.alive_date,
        lives.last_date,
        silences.first_date,
        silences.days,
        silences.zero_days,
        usual.day_kwh,
        CASE
            WHEN lives.alive_date IS NULL OR lives.last_date < todays.today - memory_days THEN 'unknown'
            WHEN coalesce(silences.days, 0) < silent_days THEN 'fine'
            WHEN silences.first_date - lives.alive_date > memory_days THEN 'unknown'
            ELSE 'offline'
        END AS condition
    FROM (SELECT system_id FROM core.systems UNION SELECT system_id FROM lives UNION SELECT system_id FROM todays)
    LEFT JOIN lives USING (system_id)
    LEFT JOIN silences USING (system_id)
    LEFT JOIN usual USING (system_id)
    LEFT JOIN todays USING (system_id)
    CROSS JOIN limits
),

systems AS (
    SELECT
        system_id,
        condition,
        CASE WHEN condition = 'offline' THEN first_date END AS since_date,
        last_date,
        CASE
            WHEN condition = 'offline'
                THEN format(
                    '{} on {} days since {}; before, it gave about {:.1f} kWh a day',
                    CASE WHEN zero_days = days THEN '0 kWh' WHEN zero_days = 0 THEN 'no data' ELSE '0 kWh or no data' END,
                    days, first_date, day_kwh
                )
            WHEN alive_date IS NULL THEN 'no day held has energy of it'
            WHEN condition = 'unknown' AND first_date - alive_date > memory_days
                THEN format('nothing since {}, but what came after its newest energy, on {}, is not held', first_date, alive_date)
            WHEN condition = 'unknown' THEN format('no newer answer about it is held: its newest energy is of {}', alive_date)
            ELSE ''
        END AS reason
    FROM judged
    CROSS JOIN limits
),

panel_conditions AS (
    SELECT
        health.*,
        CASE
            WHEN class IN ('removed', 'unused channel') THEN class
            WHEN systems.condition IN ('offline', 'unknown') THEN systems.condition
            WHEN health.last_date < todays.today - memory_days THEN 'unknown'
            ELSE class
        END AS condition,
        systems.condition = 'offline' AS is_with_its_system,
        CASE
            WHEN systems.condition = 'unknown' THEN systems.reason
            WHEN health.last_date < todays.today - memory_days
                THEN format('no newer answer about it is held: judged last on {}', health.last_date)
            ELSE evidence
        END AS unknown_reason,
        systems.since_date AS system_since_date,
        systems.last_date AS system_last_date
    FROM mart.panel_health AS health
    JOIN systems USING (system_id)
    LEFT JOIN todays USING (system_id)
    CROSS JOIN limits
),

panels AS (
    SELECT
        system_id,
        ecu_id,
        inverter_id,
        channel,
        label,
        condition,
        CASE
            WHEN condition = 'offline' AND is_with_its_system THEN system_since_date
            WHEN condition IN ('offline', 'dead input') THEN since_date
        END AS since_date,
        CASE WHEN is_with_its_system THEN system_last_date ELSE last_date END AS last_date,
        CASE WHEN condition IN ('weak', 'dead input') THEN loss_kwh END AS loss_kwh,
        CASE
            WHEN condition = 'offline' AND is_with_its_system THEN 'its system is offline'
            WHEN condition = 'offline' THEN evidence
            WHEN condition = 'dead input'
                THEN evidence || coalesce(format('; {:.1f} kWh lost in {} days', loss_kwh, days_compared), '')
            WHEN condition = 'weak'
                THEN format('{:.0f}% of its peers; {:.1f} kWh lost in {} days', 100 * ratio, loss_kwh, days_compared)
            WHEN condition = 'unknown' THEN unknown_reason
            ELSE ''
        END AS reason
    FROM panel_conditions
),

inverter_conditions AS (
    SELECT
        system_id,
        ecu_id,
        inverter_id,
        inverters.gone_utc,
        count(panels.channel) FILTER (condition <> 'unused channel') AS inputs,
        count(*) FILTER (condition = 'removed') AS removed,
        count(*) FILTER (condition = 'offline') AS offline,
        count(*) FILTER (condition = 'unknown') AS unknown,
        max(since_date) FILTER (condition = 'offline') AS since_date,
        max(panels.last_date) AS last_date,
        max(reason) FILTER (condition = 'offline') AS reason
    FROM panels
    FULL JOIN core.inverters AS inverters USING (system_id, ecu_id, inverter_id)
    GROUP BY ALL
),

inverters AS (
    SELECT
        *,
        CASE
            WHEN gone_utc IS NOT NULL OR (inputs > 0 AND removed = inputs) THEN 'removed'
            WHEN inputs = unknown + removed THEN 'unknown'
            WHEN offline > 0 AND offline = inputs - removed - unknown THEN 'offline'
            ELSE 'fine'
        END AS condition
    FROM inverter_conditions
)

SELECT 'system' AS kind, system_id, '' AS ecu_id, '' AS inverter_id, 0 AS channel,
    NULL::VARCHAR AS label, condition, since_date, last_date, NULL::DOUBLE AS loss_kwh, reason
FROM systems
UNION ALL
SELECT 'inverter', system_id, ecu_id, inverter_id, 0,
    NULL, condition, CASE WHEN condition = 'offline' THEN since_date END, last_date, NULL,
    CASE
        WHEN condition = 'offline' THEN reason
        WHEN condition = 'unknown' THEN 'what is held does not tell how its inputs are'
        ELSE ''
    END
FROM inverters
UNION ALL
SELECT 'panel', system_id, ecu_id, inverter_id, channel,
    label, condition, since_date, last_date, loss_kwh, reason
FROM panels
