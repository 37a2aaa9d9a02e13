"""Real PostgreSQL: programs, clusters, the archive, base backups and recovery."""
