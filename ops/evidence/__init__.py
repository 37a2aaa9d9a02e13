"""What a drill leaves for those who were not there: chained records, and pages to read."""

from ops.evidence.record import Evidence, Written, born, key, run_name, write

__all__ = ["Evidence", "Written", "born", "key", "run_name", "write"]
