"""Grows an instance's disk, which no deployment does."""
