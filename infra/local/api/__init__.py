"""The Cloud SQL Admin API over HTTP, one module a resource."""
