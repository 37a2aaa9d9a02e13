"""What this organisation asks for where the rules leave a figure or a list open."""

REGIONS = ("asia-east1",)  # the data stays in Taiwan
VCPUS_MOST = 16  # more is a decision about cost: change it here, in review
LABELS = ("app", "environment")  # bills and alerts are told apart by them

PASSWORD_LENGTH_LEAST = 12  # custom.cloudsqlEnforcePasswordComplexity of Cloud Foundation Fabric
BACKUPS_LEAST = 7  # a week of daily backups
LOG_DAYS_LEAST = 7  # the most that edition Enterprise keeps
CERTIFICATE_DAYS_LEAST = 60  # two maintenance windows a month: time to rotate and to roll out
QUERY_TEXT_BYTES_LEAST = 1024  # Query Insights' own default
APPROVAL_DAYS = 7  # how long an approval to restart production counts
DENY_DAYS_MOST = 90  # https://cloud.google.com/sql/docs/postgres/maintenance
OPEN_PREFIX = 8  # a network wider than /8 is nobody's own: IANA hands out no larger block
