-- internal.capacities: What marts of days need of core.systems, which changes with every answer
-- kind: internal
-- grain: one row per system
-- key: system_id
SELECT system_id, capacity_kw
FROM core.systems
