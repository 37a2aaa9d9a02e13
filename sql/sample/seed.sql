-- Sets the seed of pg_temp.chance() for this transaction; lets its few statements sort in memory, and run without being compiled.
SELECT set_config('sample.seed', %(seed)s::bigint::text, true),
       set_config('work_mem', '64MB', true),
       set_config('jit', 'off', true)
