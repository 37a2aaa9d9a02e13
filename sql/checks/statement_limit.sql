-- Limits the session's next statements: verification has an end. Needs no privilege.
SELECT set_config('statement_timeout', %(limit)s, false)
