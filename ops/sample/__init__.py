"""Generated sample data for the product's schema."""
