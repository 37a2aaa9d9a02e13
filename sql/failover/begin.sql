-- Begins a session with a setting that another role's sessions begin with. Needs no privilege.
SELECT set_config(%(name)s, %(value)s, false)
