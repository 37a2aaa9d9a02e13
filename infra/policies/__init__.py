"""Policies: one source of rules for the offline check, the live audit and CrossGuard."""
