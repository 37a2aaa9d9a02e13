"""Tells a webhook how a drill ended: a chat, a pager, whatever takes a POST.

The address is a secret, since whoever knows it can post: it comes from the environment or a
file, stands in no argument, and is shown to nobody. A notification that can't be delivered
changes nothing about the drill; it is told in a line.
"""

import ipaddress
import json
import os
import random
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from ops import measures
from ops.errors import OpsError
from ops.measures import Measure
from ops.statuses import TRANSIENT

URL, URL_FILE = "AI_SQUARE_NOTIFY_URL", "AI_SQUARE_NOTIFY_URL_FILE"
TEMPLATE_FILE = "AI_SQUARE_NOTIFY_TEMPLATE"
CONNECT_LIMIT_S, ANSWER_LIMIT_S = 5.0, 10.0
PATIENCE_S, TRIES = 20.0, 4  # of one notification: the job's log has the rest
FIRST_PAUSE_S = 0.5
LONGEST = 256 * 1024  # bytes of a body; Slack takes 40,000 characters
SUCCESS, REDIRECTION = 2, 3  # first digits: RFC 9110, section 15
# `text` is what Slack, Mattermost and Google Chat show; the rest is for receivers of one's own.
DEFAULT = """{"text": {{ told | chat | tojson }}, "drill": {{ drill | tojson }}}"""


class When(StrEnum):
    """After which drills to notify."""

    ALWAYS = "always"
    PROBLEMS = "problems"


class BadHookError(OpsError):
    """The webhook is not what it could be used as."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Nobody can be notified: {reason}. See {URL}, {URL_FILE} and {TEMPLATE_FILE} in "
            "docs/scheduling.md."
        )


class NotDeliveredError(OpsError):
    """The webhook did not take the notification."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(
            f"The notification could not be delivered to {host}: {reason}. The drill's verdict "
            "stands; try the webhook with `invoke restore.notify`."
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """What there is to tell about a drill.

    Attributes:
        kind, run, stack, instance: which drill, of what.
        verdict: ``pass``, ``fail`` or ``unknown``.
        summary: in a sentence.
        started, ended: ISO 8601, UTC.
        measures: what was measured, by name; see ops.measures.
        faults: the checks that found something or could not tell.
        injected: the fault that was put in on purpose.
        not_compared: what of the copies was compared with nothing.
        leftovers: what could not be removed.
        evidence: where the record lies; empty where there is none.
        sha256: of the record: kept here, it proves more than the chain can.
        error: what cut the drill short.
    """

    kind: str
    run: str
    stack: str
    instance: str
    verdict: str
    summary: str
    started: str = ""
    ended: str = ""
    measures: Mapping[str, Measure] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    injected: str = ""
    not_compared: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    evidence: str = ""
    sha256: str = ""
    error: str = ""

    def document(self) -> dict[str, object]:
        """Return what a template gets as ``drill``; measures also by their earlier names."""
        return {**asdict(self), **measures.fields(self.measures)}

    @property
    def text(self) -> str:
        """Return what a chat shows."""
        lines = [f"{self.kind} of {self.instance} (stack {self.stack}): {self.summary}"]
        if self.injected:
            lines.append(f"Put in on purpose: {self.injected}")
        lines += [f"- {fault}" for fault in self.faults[:10]]
        if len(self.faults) > 10:  # noqa: PLR2004 - a chat is no report
            lines.append(f"- and {len(self.faults) - 10} more")
        lines += [f"Left behind: {name}" for name in self.leftovers]
        if self.error:
            lines.append(f"It did not end by itself: {self.error}")
        if self.evidence:
            lines.append(f"Evidence: {self.evidence}, SHA-256 {self.sha256}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Hook:
    """Where and when to notify.

    Attributes:
        url: the webhook; a secret.
        when: after which drills.
        template: of the body.
    """

    url: str = field(repr=False)
    when: When = When.ALWAYS
    template: str = DEFAULT

    @property
    def host(self) -> str:
        """Return what may be told of the address."""
        return urlsplit(self.url).hostname or "nowhere"

    def wants(self, notice: Notice) -> bool:
        """Return whether this drill is one to tell of."""
        return self.when is When.ALWAYS or notice.verdict != "pass"


def hook(when: str, template: str = "", environment: Mapping[str, str] = os.environ) -> Hook | None:
    """Return the webhook that the environment names; None where it names none.

    Args:
        when: ``always`` or ``problems``.
        template: of the body; empty takes the environment's file, else ours.
        environment: the process's.

    Raises:
        BadHookError: the address or the template can't be used.
    """
    url = environment.get(URL, "").strip() or _read(environment.get(URL_FILE, ""))
    if not url:
        return None
    _check(url)
    return Hook(url, When(when), template_of(template, environment.get(TEMPLATE_FILE, "")))


def template_of(template: str, path: str) -> str:
    """Return the template in a file, else the one that was given, else ours.

    Raises:
        BadHookError: the file can't be read.
    """
    return _read(path) or template or DEFAULT


def _read(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise BadHookError(f"can't read {path}: {reason}") from None


def _check(url: str) -> None:
    """Refuse an address that would carry the message in the clear; never shows it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise BadHookError("the webhook's address is none") from None
    sound = url.isascii() and url.isprintable() and " " not in url
    if not host or not sound or parts.scheme not in {"https", "http"}:
        raise BadHookError("the webhook's address has to begin with https://")
    if parts.scheme == "http" and not _loopback(host):
        raise BadHookError("http is taken for this machine alone; use https")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def body(template: str, notice: Notice) -> bytes:
    """Return a notification's body.

    Raises:
        BadHookError: the template is wrong, or makes too much of it.
    """
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.filters["chat"] = chat
    drill = notice.document()
    try:
        text = environment.from_string(template).render(drill=drill, told=notice.text, **drill)
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadHookError(f"the template can't be filled in: {reason}") from None
    content = text.encode(errors="replace")
    if len(content) > LONGEST:
        raise BadHookError(f"the template makes {len(content)} bytes; {LONGEST} are taken")
    return content


def chat(text: str) -> str:
    """Return text that mentions nobody in a chat: https://api.slack.com/reference/surfaces/formatting#escaping."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def deliver(where: Hook, notice: Notice, patience_s: float = PATIENCE_S) -> str:
    """Post a notification, again for a while where that may help; return a line about it.

    Raises:
        BadHookError: the template can't be filled in.
        NotDeliveredError: the webhook did not take it.
    """
    content = body(where.template, notice)
    headers = {"Content-Type": _type(content), "User-Agent": "ai-square-db"}
    deadline, pause_s = time.monotonic() + patience_s, FIRST_PAUSE_S
    for attempt in range(1, TRIES + 1):
        reason, again, after_s = _post(where.url, content, headers, deadline)
        if not reason:
            return f"Notified {where.host}: {notice.verdict}."
        wait_s = max(after_s, pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        if not again or attempt == TRIES or time.monotonic() + wait_s > deadline:
            break
        time.sleep(wait_s)
        pause_s *= 2
    raise NotDeliveredError(where.host, reason)


def _post(
    url: str, content: bytes, headers: Mapping[str, str], deadline: float
) -> tuple[str, bool, float]:
    """Return why it was not taken (empty where it was), whether to try again, and after when."""
    import requests

    left_s = max(deadline - time.monotonic(), 0.1)
    limits = (min(CONNECT_LIMIT_S, left_s), min(ANSWER_LIMIT_S, left_s))
    try:
        # No redirect: a secret is for one host. No netrc, no body read: both are none of ours.
        answer = requests.post(
            url,
            data=content,
            headers=dict(headers),
            timeout=limits,
            allow_redirects=False,
            stream=True,
            auth=lambda request: request,
        )
    except requests.exceptions.RequestException as error:
        return _reason(error), _may_pass(error), 0.0  # its text has the address in it
    except (ValueError, UnicodeError) as error:
        return type(error).__name__, False, 0.0
    with answer:
        status = answer.status_code
        if status // 100 == SUCCESS:  # Response.ok takes 1xx and 3xx too
            return "", False, 0.0
        wait = answer.headers.get("Retry-After", "")
        after_s = float(wait) if wait.isascii() and wait.isdigit() else 0.0
        words = f"it answers {status}"
        if status // 100 == REDIRECTION:
            words = f"{words}, and the notification is sent to no other address"
        return words, status in TRANSIENT, after_s


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return "TLS fails, as with a certificate that is not trusted"
    if isinstance(error, requests.exceptions.Timeout):
        return "it does not answer in time"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "it can't be reached"
    return type(error).__name__


def _may_pass(error: Exception) -> bool:
    import requests

    lasting = (requests.exceptions.SSLError, requests.exceptions.InvalidURL)
    passing = (requests.exceptions.ConnectionError, requests.exceptions.Timeout)
    return isinstance(error, passing) and not isinstance(error, lasting)


def _type(content: bytes) -> str:
    try:
        json.loads(content)
    except ValueError:
        return "text/plain; charset=utf-8"
    return "application/json"
