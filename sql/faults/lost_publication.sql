-- Which statements drop a publication? Needs to own it.
SELECT pubname::text, format('DROP PUBLICATION %I', pubname) FROM pg_publication ORDER BY 1
