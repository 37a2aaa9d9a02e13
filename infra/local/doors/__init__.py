"""The connectors' doors: TLS 1.3 on port 3307 of each instance's address, before its socket."""

from infra.local.doors.doors import PORT, Doors, Opening

__all__ = ["PORT", "Doors", "Opening"]
