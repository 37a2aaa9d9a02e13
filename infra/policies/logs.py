"""What the server should log.

A flag that is not set counts with the default that is in force (``infra.flags``).
"""

from infra.policies.asking import asks, is_on, is_set, talks
from infra.policies.limits import DEADLOCK_LOOK_MOST_MS
from infra.policies.rule import Answer, Ids, Rule, Severity, either
from infra.policies.subject import Subject

PGF = "custom.cloudsqlRequirePostgreSQLDatabaseFlags"
PGA = "custom.cloudsqlRequirePostgreSQLDatabaseAdditionalFlags"
SLOW_MOST_MS = 5000  # a statement that takes longer is what slow-query logging is for


def _slow(value: str) -> bool:
    return value.isdigit() and int(value) <= SLOW_MOST_MS


def _lock_waits(s: Subject) -> Answer:
    on, wait = s.flag("log_lock_waits") or "off", s.flag("deadlock_timeout") or "1000"
    soon = wait.isdigit() and int(wait) <= DEADLOCK_LOOK_MOST_MS
    return either(is_on(on) and soon, f"log_lock_waits {on}, deadlock_timeout {wait} ms")


RULES = (
    Rule(
        id="audit-extension",
        row=13,
        title="The extension pgaudit can log who did what",
        severity=Severity.MEDIUM,
        ask=is_set("cloudsql.enable_pgaudit", on=True),
        remedy="Set flags: cloudsql.enable_pgaudit: on (this restarts the instance).",
        ids=Ids(
            cis=("6.2.8",),
            checkov=("CKV_GCP_110",),
            prowler=("postgres_enable_pgaudit_flag",),
            cloudsploit=("postgresqlPgAuditEnabled",),
            google=(PGF,),
        ),
    ),
    Rule(
        id="log-error-verbosity",
        row=14,
        title="Errors are logged with their detail",
        severity=Severity.LOW,
        ask=asks("log_error_verbosity", lambda value: value in {"default", "verbose"}),
        remedy="Set flags: log_error_verbosity: default.",
        ids=Ids(
            cis=("6.2.1",),
            prowler=("postgres_log_error_verbosity_flag",),
            cloudsploit=("postgresqlLogErrorVerbosity",),
            google=(PGF,),
        ),
    ),
    Rule(
        id="log-connections",
        row=15,
        title="Connections are logged",
        severity=Severity.MEDIUM,
        ask=is_set("log_connections", on=True),
        remedy="Set flags: log_connections: on.",
        ids=Ids(
            cis=("6.2.2",),
            checkov=("CKV_GCP_52",),
            trivy=("GCP-0016",),
            prowler=("postgres_log_connections_flag",),
            cloudsploit=("postgresqlLogConnections",),
            google=(PGF,),
        ),
    ),
    Rule(
        id="log-disconnections",
        row=16,
        title="Ends of connections are logged",
        severity=Severity.MEDIUM,
        ask=is_set("log_disconnections", on=True),
        remedy="Set flags: log_disconnections: on.",
        ids=Ids(
            cis=("6.2.3",),
            checkov=("CKV_GCP_53",),
            trivy=("GCP-0022",),
            prowler=("postgres_log_disconnections_flag",),
            cloudsploit=("postgresqlLogDisconnections",),
            google=(PGF,),
        ),
    ),
    Rule(
        id="log-statement",
        row=17,
        title="Changes of the schema are logged",
        severity=Severity.MEDIUM,
        ask=asks("log_statement", lambda value: value in {"ddl", "mod", "all"}),
        remedy="Set flags: log_statement: ddl.",
        ids=Ids(
            cis=("6.2.4",),
            checkov=("CKV_GCP_111",),
            prowler=("postgres_log_statement_flag",),
            cloudsploit=("postgresqlLogStatement",),
            google=(PGF,),
        ),
    ),
    Rule(
        id="log-min-messages",
        row=18,
        title="Warnings and worse are logged",
        severity=Severity.MEDIUM,
        ask=asks("log_min_messages", lambda value: talks(value, "warning")),
        remedy="Set flags: log_min_messages: warning.",
        ids=Ids(
            cis=("6.2.5",),
            checkov=("CKV_GCP_55",),
            trivy=("GCP-0018",),
            prowler=("postgres_log_min_messages_flag",),
            cloudsploit=("postgresqlLogMinMessages",),
            google=(PGF,),
        ),
    ),
    Rule(
        id="log-min-error-statement",
        row=19,
        title="The statement behind an error is logged",
        severity=Severity.MEDIUM,
        ask=asks("log_min_error_statement", lambda value: talks(value, "error")),
        remedy="Set flags: log_min_error_statement: error.",
        ids=Ids(
            cis=("6.2.6",),
            checkov=("CKV_GCP_109",),
            prowler=("postgres_log_min_error_statement_flag",),
            cloudsploit=("postgresqlLogMinError",),
            google=(PGF,),
        ),
    ),
    Rule(
        id="slow-statements-logged",
        row=20,
        title=f"Statements that take {SLOW_MOST_MS // 1000} s or longer are logged",
        severity=Severity.LOW,
        ask=asks("log_min_duration_statement", _slow),
        remedy="Set flags: log_min_duration_statement: 500ms.",
        opposes="no-slow-statements-logged",
    ),
    Rule(
        id="log-checkpoints",
        row=21,
        title="Checkpoints are logged",
        severity=Severity.LOW,
        ask=is_set("log_checkpoints", on=True),
        remedy="Set flags: log_checkpoints: on.",
        ids=Ids(
            checkov=("CKV_GCP_51",),
            trivy=("GCP-0025",),
            cloudsploit=("postgresqlLogCheckpoints",),
            google=(PGA,),
        ),
    ),
    Rule(
        id="log-lock-waits",
        row=22,
        title="Long waits for locks are logged",
        severity=Severity.MEDIUM,
        ask=_lock_waits,
        remedy="Set flags: log_lock_waits: on.",
        ids=Ids(
            checkov=("CKV_GCP_54",),
            trivy=("GCP-0020",),
            cloudsploit=("postgresqlLogLockWaits",),
            google=(PGA,),
        ),
    ),
    Rule(
        id="log-temp-files",
        row=23,
        title="Every temporary file is logged",
        severity=Severity.LOW,
        ask=asks("log_temp_files", lambda value: value == "0"),
        remedy="Set flags: log_temp_files: 0.",
        ids=Ids(
            checkov=("CKV_GCP_56",),
            trivy=("GCP-0014",),
            cloudsploit=("postgresqlLogTempFiles",),
        ),
    ),
)
