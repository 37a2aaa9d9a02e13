-- Changes one row of a client's own and adds one, in one transaction. Needs INSERT, SELECT and
-- UPDATE on drill_workload.busy.
WITH changed AS (
    UPDATE drill_workload.busy SET changes = changes + 1 WHERE id = %(client)s
)
INSERT INTO drill_workload.busy (filler) VALUES (repeat('y', 100))
