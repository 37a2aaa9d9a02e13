"""Checks: questions asked of a system under budgets, and what their answers mean."""
