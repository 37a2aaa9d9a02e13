"""What this organisation asks for where the rules leave a figure or a list open."""

REGIONS = ("asia-east1",)  # instances and buckets are in Taiwan
# Backups may be in Asia's multi-region too, so that they outlive a region.
BACKUP_PLACES = ("asia-east1", "asia")
VCPUS_MOST = 16  # more is a decision about cost: change it here, in review
LABELS = ("app", "environment")  # bills and alerts are told apart by them

PASSWORD_LENGTH_LEAST = 12  # custom.cloudsqlEnforcePasswordComplexity of Cloud Foundation Fabric
BACKUPS_LEAST = 7  # a week of daily backups
LOG_DAYS_LEAST = 7  # the most that edition Enterprise keeps
CERTIFICATE_DAYS_LEAST = 60  # two maintenance windows a month: time to rotate and to roll out
QUERY_TEXT_BYTES_LEAST = 1024  # Query Insights' own default
APPROVAL_DAYS = 7  # how long an approval to restart production counts
IDLE_MOST_MS = 3_600_000  # vacuum waits for an open transaction: an hour is what it can bear
LOCK_WAIT_MOST_MS = 600_000  # who queues for a lock longer keeps everybody else out
STATEMENT_MOST_MS = 3_600_000  # a report may take minutes, not the night
DEADLOCK_LOOK_MOST_MS = 60_000  # log_lock_waits logs a wait that is longer than deadlock_timeout
DISK_LIMIT_MOST_GB = 65_535  # the largest disk has 65,536 GB: that is no limit
DENY_DAYS_MOST = 90  # https://cloud.google.com/sql/docs/postgres/maintenance
OPEN_PREFIX = 8  # a network wider than /8 is nobody's own: IANA hands out no larger block
