"""Faults on purpose: what really goes wrong in restores, put into copies, archives and backups."""
