-- Is there a relation of this name?
SELECT to_regclass(%(relation)s) IS NOT NULL
