-- Which statement says that the database was made with another version of its collation, as on a
-- machine with another C library? Needs a superuser.
SELECT format('database %I', datname),
       format('UPDATE pg_database SET datcollversion = ''0.1'' WHERE oid = %s', oid)
  FROM pg_database
 WHERE datname = current_database()
