"""Restores for real: into a new instance, to a moment, over the instance itself."""
