-- Which extensions are installed? Needs no privilege.
SELECT extname FROM pg_extension ORDER BY 1
