"""Backup runs: taken on demand, and listed."""
