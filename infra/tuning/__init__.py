"""Proposed flags for a machine and a workload: formulas, Cloud SQL's limits, the memory budget."""
