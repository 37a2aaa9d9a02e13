"""The Pulumi program, the deployer of the local stack, and the local Cloud SQL."""
