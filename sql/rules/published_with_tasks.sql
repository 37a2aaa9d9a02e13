-- Which published programs have no task? Needs SELECT on programs and tasks.
SELECT format('program %s', p.id), p.slug
  FROM programs p
 WHERE p.status = 'published'
   AND NOT EXISTS (SELECT FROM tasks t WHERE t.program_id = p.id)
 ORDER BY 1
