"""Takes a live instance over: a stack file's values, a list to import, and a report."""
