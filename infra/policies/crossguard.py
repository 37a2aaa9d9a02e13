"""The rules as policies of Pulumi's CrossGuard: what the engine asks during preview and up.

Each instance that the program registers becomes the same subject that the offline check
looks at, from the inputs as the provider sees them. Critical and high severities are
mandatory, the others advisory. Waivers count by stack, by this machine's clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, TypeAlias

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy import Severity as PackSeverity
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from infra.body import body_of
from infra.desired import INSTANCE, UNKNOWN_UNTIL_DEPLOYED
from infra.policies import roles
from infra.policies import waivers as waiving
from infra.policies.review import ask
from infra.policies.rule import Answer, Rule, Seen, State
from infra.policies.rules import RULES
from infra.policies.subject import NOT_YET, Declaration, Facts, Origin, Subject, linked
from infra.policies.waivers import Waiver
from infra.settings import Settings, load
from infra.stackfile import UnknownStackError

NAME = "ai-square-db"
WAIVERS = "waivers-in-force"
# Rules that look at several instances: asked once all of them are registered.
OF_THE_STACK = frozenset({"replica-settings", "disk-autoresize"})
NOT_IN_THE_PACK: Mapping[str, str] = MappingProxyType(
    {
        "allowed-bucket-place": "an instance is asked about by itself, without the buckets",
        "no-plain-secret": "the engine hands secrets over like any other value",
        **{rule.id: "only seen live" for rule in RULES if rule.seen is Seen.LIVE},
    }
)
"""Rules that CrossGuard can't ask, and why; `invoke policy.check` and `policy.audit` do."""

Registered: TypeAlias = ResourceValidationArgs | PolicyResource
_LEVELS = {True: EnforcementLevel.MANDATORY, False: EnforcementLevel.ADVISORY}


def policies(waivers: Iterable[Waiver] | None = None) -> list[Policy]:
    """Return the pack's policies, in the order of the rules.

    Args:
        waivers: In force; those of the project's file if None.
    """
    known_waivers = waiving.load() if waivers is None else tuple(waivers)
    stack_policies: list[Policy] = [
        _of_the_stack(rule, known_waivers)
        if rule.id in OF_THE_STACK
        else _of_an_instance(rule, known_waivers)
        for rule in RULES
        if rule.id not in NOT_IN_THE_PACK
    ]
    return [*stack_policies, _waivers(known_waivers)]


def _of_an_instance(rule: Rule, waivers: tuple[Waiver, ...]) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type != INSTANCE:
            return
        subject = registered(args)
        _tell(rule, ask(rule, subject), subject, waivers, report, None)

    return ResourceValidationPolicy(validate=validate, **_described(rule))


def _of_the_stack(rule: Rule, waivers: tuple[Waiver, ...]) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        instances = [resource for resource in args.resources if resource.resource_type == INSTANCE]
        urns = {
            subject.name: resource.urn
            for resource in instances
            for subject in (registered(resource),)
        }
        for subject in linked(map(registered, instances)):
            _tell(rule, ask(rule, subject), subject, waivers, report, urns[subject.name])

    return StackValidationPolicy(validate=validate, **_described(rule))


def _waivers(waivers: tuple[Waiver, ...]) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        if args.resources:
            stack = _stack(args.resources[0].urn)
            for problem in waiving.problems(waivers, stack, datetime.now(UTC).date()):
                report(problem.problem, None)

    return StackValidationPolicy(
        name=WAIVERS,
        description="Every waiver is of a rule and a stack that there are, and not expired.",
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
    )


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.id,
        "description": f"{rule.title}.",
        "enforcement_level": _LEVELS[rule.severity.mandatory],
        "severity": PackSeverity(rule.severity.value),
        "remediation_steps": rule.remedy,
        "tags": [identifier for ids in rule.ids.by_scanner().values() for identifier in ids],
    }


def _tell(
    rule: Rule,
    answer: Answer,
    subject: Subject,
    waivers: tuple[Waiver, ...],
    report: ReportViolation,
    urn: str | None,
) -> None:
    """Report a violation that nobody waived, and what can't be told."""
    if answer.state is State.UNKNOWN:
        if answer.found.endswith(NOT_YET):  # a preview goes on, and says that it did
            raise UnknownValueError(UNKNOWN_STRING_VALUE, [answer.found.removesuffix(NOT_YET)])
        report(f"{subject.name}: could not be told: {answer.found}.", urn)
    if answer.state is not State.VIOLATED:
        return
    if waiving.in_force(waivers, rule.id, subject.stack, subject.now.date()) is None:
        report(f"{subject.name}: {answer.found}. {rule.remedy}", urn)


def registered(resource: Registered) -> Subject:
    """Return a registered instance as rules see it; what is not known yet reads so."""
    inputs = plain(resource.props)
    stack = _stack(resource.urn)
    settings = _settings(stack)
    declaration = Declaration(
        protect=resource.opts.protect,
        deletion_protection=inputs.get("deletionProtection") is not False,
        ignore_changes=tuple(resource.opts.ignore_changes),
        plain_secrets=None,
    )
    facts = Facts(
        production=None if settings is None else settings.production,
        pool_connections=None if settings is None else settings.pool.max_connections,
        endless_roles=roles.endless(),
        declaration=declaration,
    )
    return Subject(stack, Origin.DECLARED, body_of(inputs), datetime.now(UTC), facts)


def _stack(urn: str) -> str:
    """Return the stack of ``urn:pulumi:STACK::PROJECT::TYPE::NAME``."""
    return urn.split("::", maxsplit=1)[0].rpartition(":")[2]


@cache  # asked once a policy and resource
def _settings(stack: str) -> Settings | None:
    try:
        return load(stack)
    except UnknownStackError:
        return None


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return properties as plain Python: whole numbers as int, and what is not known yet marked."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _item(holder: Any, key: Any) -> Any:  # noqa: ANN401 - as above
    try:
        return plain(holder[key])
    except UnknownValueError:
        return UNKNOWN_UNTIL_DEPLOYED
