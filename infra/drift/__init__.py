"""What is live against what is declared: found, told, and how to resolve it."""
