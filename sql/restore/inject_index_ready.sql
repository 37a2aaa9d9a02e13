-- Says whether new rows go into an index. Needs a superuser.
UPDATE pg_index SET indisready = %(ready)s WHERE indexrelid = %(index)s
