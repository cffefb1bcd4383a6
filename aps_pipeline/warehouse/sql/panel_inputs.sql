-- internal.panel_inputs: Every input of an inverter that a row or a lifetime names, and its place on the roof
-- kind: internal
-- grain: one row per system, inverter and channel
-- key: system_id, inverter_id, channel
-- after: lives
WITH named AS (
    SELECT system_id, inverter_id, channel, count(*) AS ecus, false AS is_nameless
    FROM internal.lives
    WHERE inverter_id <> ''
    GROUP BY ALL
),

-- A dead input may have no row: then its lifetime is all that names it.
inputs AS (
    FROM named
    UNION ALL
    SELECT DISTINCT system_id, inverter_id, channel, 1, true
    FROM core.inverter_summary
    ANTI JOIN named USING (system_id, inverter_id, channel)
    WHERE lifetime_kwh > 0
),

placed AS (
    SELECT
        inputs.*,
        coalesce(roof.place, format('{}-{}', inverter_id, channel)) AS place,
        roof.label,
        coalesce(roof.generation, 0) AS generation
    FROM inputs
    LEFT JOIN meta.panels AS roof USING (system_id, inverter_id, channel)
)

SELECT
    system_id,
    inverter_id,
    channel,
    place,
    label,
    generation,
    is_nameless,
    -- Where an old inverter still has rows, two are at one place on a day.
    sum(ecus) OVER (PARTITION BY system_id, place) > 1 AS is_shared
FROM placed
