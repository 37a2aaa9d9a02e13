"""Two databases compared exactly: definitions, catalogs, sequences, rows."""
