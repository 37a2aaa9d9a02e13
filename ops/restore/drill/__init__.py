"""The restore drill: choose, restore, prove, time, clean up, tell."""
