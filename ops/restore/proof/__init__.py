"""What must hold of a copy, and how it is proven: the marker, the baseline, the checks."""
