"""Restores that are proven: the restore drill, and the sweeper of what a killed one left."""
