"""What the server should not log: lines that cost more than they tell.

Some published checks ask for such lines all the same; they are rules too, and a waiver
decides between both sides.
"""

from infra.policies.asking import asks, is_set
from infra.policies.logs import PGA, PGF
from infra.policies.rule import Ids, Rule, Severity

RULES = (
    Rule(
        id="no-slow-statements-logged",
        row=20,
        title="No statement's text is logged for being slow: it may hold personal data",
        severity=Severity.LOW,
        ask=asks("log_min_duration_statement", lambda value: value == "-1"),
        remedy="Set flags: log_min_duration_statement: -1, or waive it for slow queries' sake.",
        ids=Ids(
            cis=("6.2.7",),
            checkov=("CKV_GCP_57",),
            trivy=("GCP-0021",),
            prowler=("postgres_log_min_duration_statement_flag",),
            cloudsploit=("postgresqlLogMinDuration",),
            google=(PGF,),
        ),
        opposes="slow-statements-logged",
    ),
    Rule(
        id="log-hostname",
        row=24,
        title="Clients' host names are logged",
        severity=Severity.LOW,
        ask=is_set("log_hostname", on=True),
        remedy="Set flags: log_hostname: on, or waive it: a DNS query delays each connection.",
        ids=Ids(checkov=("CKV_GCP_108",), cloudsploit=("postgresqlLogHostname",)),
        opposes="no-log-hostname",
    ),
    Rule(
        id="no-log-hostname",
        row=24,
        title="No DNS query delays a connection",
        severity=Severity.LOW,
        ask=is_set("log_hostname", on=False),
        remedy="Set flags: log_hostname: off.",
        opposes="log-hostname",
    ),
    Rule(
        id="log-duration",
        row=25,
        title="How long each statement takes is logged",
        severity=Severity.LOW,
        ask=is_set("log_duration", on=True),
        remedy="Set flags: log_duration: on, or waive it: Query Insights has the figures.",
        ids=Ids(checkov=("CKV2_GCP_13",)),
        opposes="no-log-duration",
    ),
    Rule(
        id="no-log-duration",
        row=25,
        title="The log is not one line longer for each statement",
        severity=Severity.LOW,
        ask=is_set("log_duration", on=False),
        remedy="Set flags: log_duration: off.",
        opposes="log-duration",
    ),
    Rule(
        id="no-log-executor-stats",
        row=26,
        title="The executor's statistics are not logged",
        severity=Severity.LOW,
        ask=is_set("log_executor_stats", on=False),
        remedy="Set flags: log_executor_stats: off.",
        ids=Ids(
            checkov=("CKV2_GCP_14",),
            cloudsploit=("postgresqlLogExecutorStats",),
            google=(PGA,),
        ),
    ),
    Rule(
        id="no-log-parser-stats",
        row=27,
        title="The parser's statistics are not logged",
        severity=Severity.LOW,
        ask=is_set("log_parser_stats", on=False),
        remedy="Set flags: log_parser_stats: off.",
        ids=Ids(checkov=("CKV2_GCP_15",), cloudsploit=("postgresqlLogParserStats",)),
    ),
    Rule(
        id="no-log-planner-stats",
        row=28,
        title="The planner's statistics are not logged",
        severity=Severity.LOW,
        ask=is_set("log_planner_stats", on=False),
        remedy="Set flags: log_planner_stats: off.",
        ids=Ids(checkov=("CKV2_GCP_16",), cloudsploit=("postgresqlLogPlannerStats",)),
    ),
    Rule(
        id="no-log-statement-stats",
        row=29,
        title="Statements' resource use is not logged",
        severity=Severity.LOW,
        ask=is_set("log_statement_stats", on=False),
        remedy="Set flags: log_statement_stats: off.",
        ids=Ids(checkov=("CKV2_GCP_17",)),
    ),
)
