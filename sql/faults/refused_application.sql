-- Which statement gives the application's role another password? Needs CREATEROLE.
SELECT {{ app|literal }}, format('ALTER ROLE %I PASSWORD %L', {{ app|literal }}, gen_random_uuid())
