"""The local Cloud SQL: the Cloud SQL Admin API over real PostgreSQL clusters.

Started as a process (``python -m infra.local``) and spoken to over HTTP and libpq;
nothing imports it.
"""
