"""Kill the local Cloud SQL, or its clusters, at random moments, and look what is left."""
