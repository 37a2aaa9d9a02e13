"""The failover drill: proves that the standby takes over, how fast, and that nothing is lost."""
