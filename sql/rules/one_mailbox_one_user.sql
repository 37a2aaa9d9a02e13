-- Which addresses belong to several users, as an index that lost rows would let happen?
-- Needs SELECT on users.
SELECT lower(email), format('%s users', count(*))
  FROM users
 GROUP BY 1
HAVING count(*) > 1
 ORDER BY 1
