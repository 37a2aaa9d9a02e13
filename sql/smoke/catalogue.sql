-- What does a learner see first: the newest published programs, with how many tasks each has?
-- Needs SELECT on programs and tasks.
SELECT p.slug, p.title, count(t.id) AS tasks
  FROM programs p
  LEFT JOIN tasks t ON t.program_id = p.id
 WHERE p.status = 'published'
 GROUP BY p.id
 ORDER BY p.published_at DESC
 LIMIT 20
