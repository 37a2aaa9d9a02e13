"""The self-test of the restore drill: every fault has to turn it red, and nothing else."""
