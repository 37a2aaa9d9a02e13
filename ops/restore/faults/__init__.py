"""Faults on purpose: a drill that was never seen red proves nothing."""
