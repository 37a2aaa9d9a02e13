"""Roles: what each may do, as SQL under ``sql/roles``, compared with what is there, and applied."""
