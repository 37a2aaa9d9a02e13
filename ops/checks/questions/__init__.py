"""Questions that more than one package asks of a database."""
