"""Migrations: files to steps, steps to a database, and the ledger of what was done."""
