-- How far is the building of an index, and for whom does it wait? Needs to be the same user.
SELECT phase, lockers_done, lockers_total, current_locker_pid,
       CASE WHEN blocks_total > 0 THEN round(100.0 * blocks_done / blocks_total)
            WHEN tuples_total > 0 THEN round(100.0 * tuples_done / tuples_total) END::int
  FROM pg_stat_progress_create_index
 WHERE pid = %(pid)s
