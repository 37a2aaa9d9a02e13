"""Applies the local stack without the Pulumi CLI: plan, apply, record."""
