"""Who may log in: IAM, passwords, the Data API, secrets."""

from infra.changes import UNSPECIFIED
from infra.live import why_closed
from infra.policies.asking import is_on
from infra.policies.limits import PASSWORD_LENGTH_LEAST
from infra.policies.rule import (
    Answer,
    Ids,
    Rule,
    Seen,
    Severity,
    aside,
    broken,
    either,
    fine,
    unknown,
)
from infra.policies.subject import Declaration, Subject

_POLICY = "settings.passwordValidationPolicy"


def _iam(s: Subject) -> Answer:
    value = s.flag("cloudsql.iam_authentication") or "off"
    return either(is_on(value), f"cloudsql.iam_authentication {value}")


def _policy(s: Subject) -> Answer:
    length = s.number(f"{_POLICY}.minLength") or 0
    if not s.on(f"{_POLICY}.enablePasswordPolicy"):
        return broken("no password policy")
    return either(length > 0, f"at least {length} characters")


def _complexity(s: Subject) -> Answer:
    if not s.on(f"{_POLICY}.enablePasswordPolicy"):
        return aside("there is no password policy at all: see password-policy")
    length = s.number(f"{_POLICY}.minLength") or 0
    if not length:
        return aside("the password policy asks for no length: see password-policy")
    kinds = s.text(f"{_POLICY}.complexity") == "COMPLEXITY_DEFAULT"
    rule = f"at least {length} characters, {'four kinds' if kinds else 'of any kind'}"
    return either(kinds and length >= PASSWORD_LENGTH_LEAST, rule)


def _data_api(s: Subject) -> Answer:
    access = s.text("settings.dataApiAccess")
    if access == "ALLOW_DATA_API":
        return broken(f"dataApiAccess {access}")
    if access and access != "DISALLOW_DATA_API" and not access.endswith(UNSPECIFIED):
        return unknown(f"dataApiAccess {access} is not among the values that are known here")
    return fine(f"dataApiAccess {access or 'unset: not allowed'}")


def _users(s: Subject) -> Answer:
    if why := why_closed(s.body):
        return unknown(f"the API lists no users: {why}")
    undeclared: tuple[str, ...] = s.fact("undeclared_users")
    if undeclared:
        return broken(f"not declared: {', '.join(undeclared)}")
    return fine("every user is declared, or Cloud SQL's own")


def _secrets(s: Subject) -> Answer:
    declaration: Declaration = s.fact("declaration")
    if declaration.plain_secrets is None:
        return unknown("secrets can't be told from other values here")
    if declaration.plain_secrets:
        return broken(f"in plain: {', '.join(declaration.plain_secrets)}")
    return fine("no secret in plain")


RULES = (
    Rule(
        id="iam-authentication",
        row=7,
        title="IAM users may log in",
        severity=Severity.MEDIUM,
        ask=_iam,
        remedy="Set iamAuthentication: true.",
        ids=Ids(cis=("6.6",)),
    ),
    Rule(
        id="password-complexity",
        row=11,
        title=f"New passwords must have {PASSWORD_LENGTH_LEAST} characters of four kinds",
        severity=Severity.MEDIUM,
        ask=_complexity,
        remedy=(
            f"Set passwordMinLength: {PASSWORD_LENGTH_LEAST} or more, and passwordComplexity: true."
        ),
        of_replicas=False,
        ids=Ids(google=("custom.cloudsqlEnforcePasswordComplexity",)),
    ),
    Rule(
        id="password-policy",
        row=12,
        title="Built-in users can't be given an empty password",
        severity=Severity.HIGH,
        ask=_policy,
        remedy=f"Set passwordMinLength: {PASSWORD_LENGTH_LEAST}.",
        of_replicas=False,
        ids=Ids(google=("custom.cloudsqlRequireRootPassword",)),
    ),
    Rule(
        id="no-data-api",
        row=52,
        title="The Data API is off unless it is used",
        severity=Severity.MEDIUM,
        ask=_data_api,
        remedy=(
            'Send `{"settings": {"dataApiAccess": "DISALLOW_DATA_API"}}` to the Admin API\'s'
            " `instances.patch`: neither the program nor gcloud has a word for it."
        ),
    ),
    Rule(
        id="no-plain-secret",
        row=53,
        title="No secret is among the inputs in plain",
        severity=Severity.CRITICAL,
        ask=_secrets,
        remedy=(
            "Generate it, give it as rootPasswordWo, or mark it secret:"
            " `pulumi config set --secret`."
        ),
        seen=Seen.DECLARED,
    ),
    Rule(
        id="declared-users",
        row=57,
        title="Users that the Admin API lists are declared",
        severity=Severity.HIGH,
        ask=_users,
        remedy=(
            "Declare the user, or delete it: `invoke drift` shows the command; `invoke"
            " roles.status` shows what each may do, and roles that the API does not list."
        ),
        seen=Seen.LIVE,
        of_replicas=False,
    ),
)
