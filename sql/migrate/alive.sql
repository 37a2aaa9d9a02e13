-- Does the session still exist? A session that runs nothing else keeps the locks that it took until
-- it ends, so an answer proves them.
SELECT true
