-- Which databases are there beside this one, whose content no check sees? Needs no privilege.
-- Templates and Cloud SQL's own database hold nothing of the application's.
SELECT datname
FROM pg_database
WHERE NOT datistemplate AND datname NOT IN (current_database(), 'cloudsqladmin')
ORDER BY datname
